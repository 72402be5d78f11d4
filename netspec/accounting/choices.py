"""What is computed with a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Choices(NamedTuple):
    """``sizes`` None leaves activations out; ``batch_name`` is the one that microbatches divide.

    ``device`` is that of layers without one of their own; ``foreach`` None is what torch's
    optimizers take there.
    """

    sizes: Mapping[str, int] | None
    batch_name: str | None = None
    dtype: str = "float32"
    optimizer: str | None = "adamw"
    is_training: bool = True
    device: str = "cuda"
    foreach: bool | None = None
