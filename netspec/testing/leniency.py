"""Where torch accepts what netspec refuses, and why netspec is right to; and where meta fails.

A list of exceptions for the built-in layers, each with its reason. Whatever is not here has to be
refused by both.
"""

from __future__ import annotations

from netspec.diagnostics import SpecError
from netspec.testing.cases import Case
from netspec.testing.conformance import is_cheap, out_of_range


def torch_is_lenient(case: Case, refused: SpecError) -> str | None:
    """The reason, or None where both have to refuse."""
    codes = {diagnostic.code for diagnostic in refused.diagnostics}
    message = " ".join(diagnostic.message for diagnostic in refused.diagnostics)
    name, input = case.layer.name, case.input
    if name == "identity" and codes & {"unknown-argument", "no-bare-value"}:
        return "nn.Identity takes any arguments and forgets them"
    if "dropout" in name and not input.is_floating:
        return "in training torch refuses to scale whole numbers; eval gives them back"
    if "dropout" in name and "takes [N" in message:
        return "in training torch refuses to drop channels of what has none; eval gives it back"
    if ("pool" in name or name == "local_response_norm") and input.dtype in (
        "int64",
        "int32",
        "uint8",
    ):
        return "the cpu pools whole numbers, cuda does not"
    if "in training" in message and "eps" in case.arguments:
        return "batch norm looks at eps in training only"
    if name == "layer_norm" and input.dtype in ("float16", "bfloat16"):
        return "the cpu takes halves with float32 weights, cuda does not"
    if name.startswith("adaptive_avg_pool") and input.rank not in (3, 4, 5):
        return "for an output of 1 torch takes the mean, whatever the rank"
    if 0 in input.shape and "holds" in message:
        return "torch does not look at the dtype where nothing is computed"
    if "pool" in name and "computes with at most" in message:
        return "meta takes numbers beyond int32, the cpu does not"
    if not is_cheap(case) and "holds" in message:
        return "meta does not look at the dtype, and the cpu is not asked about huge sizes"
    weightless = case.arguments.get("affine") is case.arguments.get("track_running_stats") is False
    normalises = "batch_norm" in name or "instance_norm" in name
    if name.startswith("instance_norm") and not case.arguments.get("track_running_stats"):
        weightless = not case.arguments.get("affine")
    if weightless and normalises and "num_features is" in message:
        return "without weights torch does not look at num_features"
    if name == "group_norm" and case.arguments.get("affine") is False and "num_chan" in message:
        return "without weights torch does not look at num_channels"
    if 0 in input.shape and normalises and "num_features is" in message:
        return "torch does not compare the channels where nothing is computed"
    if 0 in input.shape and (
        0 in input.shape[1:]
        or "needs at least one value" in message
        or "takes a whole number >= 1" in message
        or input.rank == 1
    ):
        return "sizes of 0 other than the batch: torch takes some, and warns of empty weights"
    if "more than one value" in message and 0 in input.shape:
        return "no values are normalised to no values"
    if (
        name in ("softmax", "log_softmax", "softmin", "glu")
        and "no dim" in message
        and not is_cheap(case)
    ):
        return "meta does not look at the dim, and the cpu is not asked about huge ones"
    for argument in out_of_range(case):
        if (name, argument) in _UNCHECKED:
            return _UNCHECKED[name, argument]
        if "norm" in name and argument in _UNCHECKED_IN_NORMS:
            return _UNCHECKED_IN_NORMS[argument]
    return None


_EMPTY = "torch makes weights or an output without values"
_NONSENSE = "torch does not look, and computes nonsense or nan"
#: Arguments whose range torch does not check.
_UNCHECKED = {
    ("linear", "out_features"): _EMPTY,
    ("embedding", "embedding_dim"): _EMPTY,
    ("adaptive_avg_pool2d", "output_size"): _EMPTY,
    ("adaptive_avg_pool3d", "output_size"): _EMPTY,
    ("avg_pool3d", "divisor_override"): _NONSENSE,
    ("avg_pool2d", "divisor_override"): _NONSENSE,
    ("embedding", "max_norm"): _NONSENSE,
    ("cross_map_lrn2d", "size"): _NONSENSE,
}
_UNCHECKED_IN_NORMS = {
    "num_features": "without weights torch does not look at it",
    "momentum": _NONSENSE,
    "eps": _NONSENSE,
}


def not_on_meta(case: Case, refused: SpecError) -> str | None:
    """What the cpu computes and meta cannot: the layer is built for real then."""
    return None
