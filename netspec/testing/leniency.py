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
    if name == "dropout" and not input.is_floating:
        return "in training torch refuses to scale whole numbers; eval gives them back"
    if "pool" in name and input.dtype in ("int64", "int32", "uint8"):
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
    if weightless and name.startswith("batch_norm") and "num_features is" in message:
        return "without weights torch does not look at num_features"
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
    if name in ("softmax", "log_softmax") and "no dim" in message and not is_cheap(case):
        return "meta does not look at the dim, and the cpu is not asked about huge ones"
    if name == "embedding_bag" and len(case.inputs) > 1:
        is_end = case.arguments.get("include_last_offset") is True
        if case.inputs[1].shape in ((0,), (1,) if is_end else (0,)):
            return "torch writes beyond its memory where there is no bag: it is not asked"
    if name == "position_embedding":
        return "the module cuts off its table, whatever the input is and however long"
    if "netspec plans at most" in message:
        return "torch loops over each of the layers or products, and would not come to an end"
    if ("attention" in name or "transformer" in name) and "needs a sequence" in message:
        return "torch attends to nothing, and gives nothing"
    for argument in out_of_range(case):
        if name.startswith("transformer") and argument in ("dim_feedforward", "layer_norm_eps"):
            return _EMPTY if argument == "dim_feedforward" else _NONSENSE
        if (name, argument) in _UNCHECKED:
            return _UNCHECKED[name, argument]
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
    ("batch_norm3d", "num_features"): "without weights torch does not look at it",
    ("batch_norm3d", "momentum"): _NONSENSE,
    ("batch_norm3d", "eps"): _NONSENSE,
    ("batch_norm1d", "num_features"): "without weights torch does not look at it",
    ("batch_norm2d", "num_features"): "without weights torch does not look at it",
    ("batch_norm1d", "momentum"): _NONSENSE,
    ("batch_norm2d", "momentum"): _NONSENSE,
    ("batch_norm1d", "eps"): _NONSENSE,
    ("batch_norm2d", "eps"): _NONSENSE,
    ("layer_norm", "eps"): _NONSENSE,
    ("avg_pool2d", "divisor_override"): _NONSENSE,
    ("embedding", "max_norm"): _NONSENSE,
    ("bilinear", "out_features"): _EMPTY,
    ("embedding_bag", "embedding_dim"): _EMPTY,
    ("embedding_bag", "max_norm"): _NONSENSE,
    ("lstm_cell", "hidden_size"): _EMPTY,
    ("multihead_attention", "dropout"): _NONSENSE,
    ("self_attention", "dropout"): _NONSENSE,
    ("gru_cell", "hidden_size"): _EMPTY,
    ("rnn_cell", "hidden_size"): _EMPTY,
}


def not_on_meta(case: Case, refused: SpecError) -> str | None:
    """What the cpu computes and meta cannot: the layer is built for real then."""
    if case.layer.name == "position_embedding":
        return "the flop counter does not take a part of a weight for an output"
    return None
