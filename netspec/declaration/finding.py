"""What a lint of a plugin finds in a plan."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """A remark about one layer, which becomes a warning where the layer is written.

    ``code`` is shown with the plugin's name before it (``tools.dropout-before-norm``). ``path`` is
    a layer's or container's in the plan; ``argument`` the argument to underline, else it is the
    layer's name. ``help`` says what to write instead.
    """

    code: str
    message: str
    path: str
    help: str = ""
    argument: str | None = None
