"""Where torch accepts what netspec refuses, and why netspec is right to; and where meta fails.

A list of exceptions for the built-in layers, each with its reason. Whatever is not here has to be
refused by both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from netspec.diagnostics import SpecError
from netspec.testing.cases import Case
from netspec.testing.laws import is_cheap, out_of_range


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
    whole = input.dtype in ("int64", "int32", "uint8", "bool")
    if whole and ("pool" in name or name == "local_response_norm"):
        return "the cpu pools whole numbers, cuda does not"
    if "in training" in message and "eps" in case.arguments:
        return "batch norm looks at eps in training only"
    if name == "layer_norm" and input.dtype in ("float16", "bfloat16"):
        return "the cpu takes halves with float32 weights, cuda does not"
    if name.startswith("adaptive_avg_pool") and set(_flat(case.arguments.values())) == {1}:
        return "for an output of 1 torch takes the mean, whatever the rank"
    if 0 in input.shape and "holds" in message:
        return "torch does not look at the dtype where nothing is computed"
    if "computes with at most" in message:
        return "meta takes numbers beyond int32, the cpu does not"
    if "cannot hold" in message and not is_cheap(case):
        return "meta does not look at values, and the cpu is not asked about huge ones"
    if not is_cheap(case) and name.startswith("conv"):
        return "meta looks at few arguments of a convolution, and the cpu is not asked of huge ones"
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
    for reasons in (_of_images, _of_steps, _of_sequences):
        found = reasons(case, message)
        if found is not None:
            return found
    for argument in out_of_range(case):
        for pattern, reason in _UNCHECKED.items():
            if fnmatchcase(f"{name}.{argument}", pattern):
                return reason
    return None


def _flat(values: Iterable[object]) -> Iterator[object]:
    for value in values:
        if isinstance(value, tuple):
            yield from _flat(value)
        else:
            yield value


def _of_images(case: Case, message: str) -> str | None:
    """Reasons for paddings, pools and what else looks at the sizes of an image."""
    name = case.layer.name
    if "leaves nothing of dim" in message or "is empty" in message:
        return "torch gives an output without values"
    if 0 in case.input.shape and "output_padding" in message:
        return "of an empty batch torch does not look at output_padding"
    if "takes everything away" in message:
        return "an output of size 0, which torch's cpu gives and meta refuses, or the other way"
    if "mode circular" in message and "which loses" in message:
        return "going round a cut end, torch reads memory that nothing was written to"
    if name in ("fold", "unfold") and "holds bool" in message:
        return "the cpu moves bools and no other whole numbers, cuda none"
    if name == "upsampling_nearest2d" and "takes [N, C, H, W]" in message:
        return "of other ranks torch scales other dims than those of an image"
    if name in ("upsample", "upsampling_nearest2d", "upsampling_bilinear2d"):
        if "takes one of" in message and case.arguments.get("scale_factor") == 0:
            return "a factor of 0 counts as none"
    return None


def _of_steps(case: Case, message: str) -> str | None:
    """Reasons for netspec's own steps, which refuse what a model hardly means."""
    match case.layer.name:
        case "squeeze" | "chunk" if "single number" in message:
            return "with one number there is nothing to do, and torch does it"
        case "chunk" if "has no dim" in message:
            return "a single chunk is the input itself, whatever the dim"
        case "slice" if "too short" in message or "ends before" in message:
            return "torch cuts a slice short: its size would be the smaller of two sizes"
        case "squeeze" if "not 1" in message:
            return "torch leaves the dim where it is: the rank would depend on a size"
        case "chunk" if "equal parts" in message or "too many" in message:
            return "torch gives a smaller last part, or fewer parts"
        case "reshape" if case.input.shape[:1] == (0,):
            return "no samples have any shape"
        case "pixel_unshuffle" if 0 in case.input.shape:
            return "torch gives an empty tensor back, whatever the factor"
        case "mean" if "names no dim" in message:
            return "of no dims torch takes the mean of all"
        case "interpolate" if len(case.inputs) > 1 and (
            "takes one of" in message or "size of interpolate takes" in message
        ):
            return "the second input overrides a size that is written"
        case "reparameterize":
            return "in evaluation it gives mu and looks at nothing"
    return None


def _of_sequences(case: Case, message: str) -> str | None:
    """Reasons for recurrent layers, attention and transformers."""
    name = case.layer.name
    if name == "embedding_bag" and len(case.inputs) > 1:
        is_end = case.arguments.get("include_last_offset") is True
        if case.inputs[1].shape in ((0,), (1,) if is_end else (0,)):
            return "torch writes beyond its memory where there is no bag: it is not asked"
    if name == "position_embedding":
        return "the module cuts off its table, whatever the input is and however long"
    if "netspec plans at most" in message:
        return "torch loops over each of the layers or products, and would not come to an end"
    is_empty = "needs a sequence" in message or "needs a key to look at" in message
    if is_empty and ("attention" in name or "transformer" in name):
        return "torch attends to nothing, and gives nothing"
    return None


_EMPTY = "torch makes weights or an output without values"
_NONSENSE = "torch does not look, and computes nonsense or nan"
_SKIPPED = "without weights torch does not look at it"
_NO_POOL = "torch does not look at what no pool could have been"
_ANY = "python's slices take any number"
#: Arguments whose range torch does not check, as ``layer.argument`` with ``*`` and ``?``.
_UNCHECKED = {
    "linear.out_features": _EMPTY,
    "bilinear.out_features": _EMPTY,
    "embedding.embedding_dim": _EMPTY,
    "embedding_bag.embedding_dim": _EMPTY,
    "embedding*.num_embeddings": "without values to look up torch makes a table without rows",
    "embedding.max_norm": _NONSENSE,
    "embedding_bag.max_norm": _NONSENSE,
    "*norm*.num_features": _SKIPPED,
    "*norm*.momentum": _NONSENSE,
    "*norm*.eps": _NONSENSE,
    "cross_map_lrn2d.size": _NONSENSE,
    "conv?d.padding": "torch cuts off where padding_mode is not zeros",
    "conv_transpose?d.dilation": "for a kernel of 1 torch takes a dilation of 0",
    "avg_pool?d.divisor_override": _NONSENSE,
    "adaptive_*_pool?d.output_size": _EMPTY,
    "fractional_max_pool?d.output_size": _EMPTY,
    "fractional_max_pool?d.kernel_size": "meta counts beyond int64 and wraps around",
    "max_unpool?d.kernel_size": _NO_POOL,
    "max_unpool?d.stride": _NO_POOL,
    "max_unpool?d.padding": _NO_POOL,
    "*_cell.hidden_size": _EMPTY,
    "multihead_attention.dropout": _NONSENSE,
    "self_attention.dropout": _NONSENSE,
    "transformer*.dim_feedforward": _EMPTY,
    "transformer*.layer_norm_eps": _NONSENSE,
    "slice.start": _ANY,
    "slice.stop": _ANY,
    "slice.step": _ANY,
}


def not_on_meta(case: Case) -> str | None:
    """What the cpu computes and meta cannot: the layer is built for real then."""
    name, shape = case.layer.name, case.input.shape
    if name.startswith(("upsampl", "interpolate")) and 0 in shape:
        return "meta fails at nearest values of an empty batch: cond must be a bool"
    if name == "unfold" and not is_cheap(case):
        return "meta pads the input first, to sizes that no kernel of the cpu or cuda reaches"
    if name in ("transformer_encoder", "transformer_decoder", "transformer"):
        if any(mask.rank == 2 for mask in case.inputs[case.layer.required_inputs :]):
            return "stacks look at a mask's values, whether they are those of a causal one"
    if name == "position_embedding":
        return "the flop counter does not take a part of a weight for an output"
    return None
