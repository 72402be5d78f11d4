"""Where torch accepts what netspec refuses, and why netspec is right to; and where meta fails.

A list of exceptions for the built-in layers, each with its reason. Whatever is not here has to be
refused by both.
"""

from __future__ import annotations

from netspec.diagnostics import SpecError
from netspec.testing.cases import Case
from netspec.testing.conformance import out_of_range


def torch_is_lenient(case: Case, refused: SpecError) -> str | None:
    """The reason, or None where both have to refuse."""
    codes = {diagnostic.code for diagnostic in refused.diagnostics}
    if case.layer.name == "identity" and codes & {"unknown-argument", "no-bare-value"}:
        return "nn.Identity takes any arguments and forgets them"
    return None


def not_on_meta(case: Case, refused: SpecError) -> str | None:
    """What the cpu computes and meta cannot: the layer is built for real then."""
    return None
