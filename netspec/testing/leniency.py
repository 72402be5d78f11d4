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
    message = " ".join(diagnostic.message for diagnostic in refused.diagnostics)
    name, input = case.layer.name, case.input
    if name == "identity" and codes & {"unknown-argument", "no-bare-value"}:
        return "nn.Identity takes any arguments and forgets them"
    if name == "dropout" and not input.is_floating:
        return "in training torch refuses to scale whole numbers; eval gives them back"
    if "pool" in name and input.dtype in ("int64", "int32", "uint8"):
        return "the cpu pools whole numbers, cuda does not"
    if "in training" in message and "eps" in case.arguments:
        return "batch norm looks at eps in training only"
    if name == "layer_norm" and input.dtype in ("float16", "bfloat16"):
        return "the cpu takes halves with float32 weights, cuda does not"
    if name.startswith("adaptive_avg_pool") and input.rank not in (3, 4):
        return "for an output of 1 torch takes the mean, whatever the rank"
    if 0 in input.shape and "holds" in message:
        return "torch does not look at the dtype where nothing is computed"
    if 0 in input.shape and name.startswith("batch_norm") and "num_features is" in message:
        return "torch does not compare the channels where nothing is computed"
    if 0 in input.shape and (
        0 in input.shape[1:]
        or "needs at least one value" in message
        or "takes a whole number >= 1" in message
        or input.rank == 1
    ):
        return "sizes of 0 other than the batch: torch takes some, and warns of empty weights"
    if "without running statistics needs more than one value" in message and 0 in input.shape:
        return "no values are normalised to no values"
    for argument in out_of_range(case):
        if (name, argument) in _UNCHECKED:
            return "torch does not look at the range, and computes nonsense or nothing"
    return None


#: Arguments whose range torch does not check.
_UNCHECKED: set[tuple[str, str]] = set()


def not_on_meta(case: Case, refused: SpecError) -> str | None:
    """What the cpu computes and meta cannot: the layer is built for real then."""
    return None
