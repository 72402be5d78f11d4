"""Other names of layers, and the one of a family (``conv1d``, ``conv2d``, ``conv3d``) that fits."""

from __future__ import annotations

import re
from typing import NamedTuple

from netspec.declaration import TensorType
from netspec.diagnostics import nearest
from netspec.registry import Registry
from netspec.spec import words

#: Names of other programs without `_`, capitals and rank. `#` stands for the rank of the input.
SYNONYMS = {
    "act": "relu",
    "addition": "add",
    "adaptiveavgpool": "adaptive_avg_pool#",
    "adaptivemaxpool": "adaptive_max_pool#",
    "affine": "linear",
    "averagepool": "avg_pool#",
    "averagepooling": "avg_pool#",
    "avgpool": "avg_pool#",
    "avgpooling": "avg_pool#",
    "batchnorm": "batch_norm#",
    "batchnormalization": "batch_norm#",
    "bn": "batch_norm#",
    "cat": "concat",
    "concatenate": "concat",
    "concatenation": "concat",
    "conv": "conv#",
    "convlayer": "conv#",
    "convolution": "conv#",
    "convolutional": "conv#",
    "convtranspose": "conv_transpose#",
    "convtransposed": "conv_transpose#",
    "deconv": "conv_transpose#",
    "deconvolution": "conv_transpose#",
    "dense": "linear",
    "drop": "dropout",
    "droppath": "stochastic_depth",
    "emb": "embedding",
    "embed": "embedding",
    "fc": "linear",
    "flat": "flatten",
    "fullyconnected": "linear",
    "gap": "adaptive_avg_pool#",
    "globalaveragepool": "adaptive_avg_pool#",
    "globalaveragepooling": "adaptive_avg_pool#",
    "globalavgpool": "adaptive_avg_pool#",
    "globalavgpooling": "adaptive_avg_pool#",
    "globalmaxpool": "adaptive_max_pool#",
    "globalmaxpooling": "adaptive_max_pool#",
    "gn": "group_norm",
    "groupnormalization": "group_norm",
    "hswish": "hardswish",
    "in": "instance_norm#",
    "instancenorm": "instance_norm#",
    "layernormalization": "layer_norm",
    "lin": "linear",
    "ln": "layer_norm",
    "logistic": "sigmoid",
    "lrelu": "leaky_relu",
    "maxpool": "max_pool#",
    "maxpooling": "max_pool#",
    "mha": "self_attention",
    "minus": "sub",
    "modulelist": "layers",
    "multiply": "mul",
    "noop": "identity",
    "nonlinearity": "relu",
    "pool": "max_pool#",
    "pooling": "max_pool#",
    "reflectionpad": "reflection_pad#",
    "resblock": "residual",
    "rmsnormalization": "rms_norm",
    "seq": "layers",
    "sequential": "layers",
    "shortcut": "residual",
    "skip": "residual",
    "skipconnection": "residual",
    "subtract": "sub",
    "sum": "add",
    "swish": "silu",
    "transposedconv": "conv_transpose#",
    "upconv": "conv_transpose#",
    "upsampling": "upsample",
    "view": "reshape",
    "zeropad": "zero_pad#",
    "zeropadding": "zero_pad#",
}
#: Synonyms that may stand for another activation as well.
GUESSES = frozenset({"act", "nonlinearity", "pool", "pooling", "mha", "in", "shortcut", "skip"})

_PREFIX = re.compile(r"(?:[A-Za-z_]\w*\.)+", re.ASCII)
_RANK = re.compile(r"(.*?)_?([123])d\Z", re.ASCII)
_NUMBERED = re.compile(r"([A-Za-z]+(?:_[A-Za-z]+)*?)_?\d+(?:[_.-]\d+)*[a-z]?\Z", re.ASCII)


class Meant(NamedTuple):
    """The layer, block or word that a name stands for.

    ``child`` is the name itself where it looks like that of a child (``fc1``).
    """

    name: str
    is_certain: bool = True
    child: str = ""


def meant(name: str, input: TensorType | None, registry: Registry) -> Meant | None:
    """What ``nn.Conv2d``, ``maxpool``, ``bn`` or ``fc1`` stand for; None where nothing is near."""
    word = _PREFIX.sub("", name[:100], count=1)
    found = _known(word, input, registry)
    if found is not None:
        return found
    numbered = _NUMBERED.match(word)
    if numbered:
        found = _known(numbered[1], input, registry)
        if found is not None:
            return found._replace(child=word)
    known = [*registry.layers(), *registry.blocks()]
    near = nearest(word, known)
    return None if near is None else Meant(ranked(near, input, registry), is_certain=False)


def _known(word: str, input: TensorType | None, registry: Registry) -> Meant | None:
    registered = registry.find(word)
    if registered is not None:
        name = registered.layer.name
        return Meant(name if registry.find(name) == registered else word)
    letters = re.sub(r"[-_ ]", "", word).lower().removeprefix("lazy")
    names = registry.layers()
    for name in names:
        if name.replace("_", "") == letters:
            return Meant(name)
    if letters in words.PARTS:
        return Meant(letters)
    stem, rank = letters, ""
    match = _RANK.match(letters)
    if match:
        stem, rank = match[1], match[2]
    other = SYNONYMS.get(letters) or SYNONYMS.get(stem)
    if other is None:
        return None
    certain = stem not in GUESSES
    if "#" not in other:
        usable = other in words.PARTS or registry.find(other) is not None
        return Meant(other, certain) if usable else None
    if rank:
        return Meant(other.replace("#", f"{rank}d"), certain)
    fitting = dims_of(other, input)
    return Meant(other.replace("#", f"{fitting or 2}d"), certain and fitting is not None)


def dims_of(family: str, input: TensorType | None) -> int | None:
    """The dims over which a layer of a family works for an input with a batch and channels."""
    if input is None:
        return None
    if input.rank == 2 and family.startswith("batch_norm"):
        return 1
    return input.rank - 2 if 3 <= input.rank <= 5 else None


def ranked(name: str, input: TensorType | None, registry: Registry) -> str:
    """The layer of the same family that fits the input: ``conv1d`` is ``conv2d`` for images."""
    match = _RANK.match(name)
    dims = None if match is None else dims_of(name, input)
    if match is None or dims is None:
        return name
    other = f"{name[: match.start(2)]}{dims}d"
    return other if registry.find(other) is not None else name
