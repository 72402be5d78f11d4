"""Classes of torch.nn that are no layers, and their replacements.

Imported only where a name is unknown. A test holds torch.nn's classes against the layers and this.
"""

import re

from netspec.layers import LAYERS

_IN_THE_LOOP = "a loss compares the model's output with a target: your training loop calls it"
_WITH_WEIGHTS = f"{_IN_THE_LOOP}, and gives its weights to the optimizer too"
_LIST = "write its layers as a list, `- [linear: 8, relu]`, or with names, "
_LIST += "`- layers: {up: {linear: 8}, act: relu}`"
_PARAMETER = "each parameter is an item of its own: `- {name: token, parameter: [1, 1, 64]}`"

#: By the class's name in small letters.
REASONS = {
    "adaptivelogsoftmaxwithloss": _WITH_WEIGHTS,
    "linearcrossentropyloss": _WITH_WEIGHTS,
    "sequential": _LIST,
    "container": _LIST,
    "moduledict": _LIST,
    "modulelist": f"{_LIST}; `repeat` makes copies of one, and `use` calls one again",
    "parameterdict": _PARAMETER,
    "parameterlist": _PARAMETER,
    "module": "it is the base of all modules: a layer of your own comes with a plugin",
    "rnnbase": "it is the base of three layers: write rnn, lstm or gru",
    "rnncellbase": "it is the base of three layers: write rnn_cell, lstm_cell or gru_cell",
    "dataparallel": "it spreads a whole model over devices: wrap what `netspec.build` gives",
}
_LOSS = re.compile(r".*loss(2d)?")  # NLLLoss2d is an old name of NLLLoss
_LAZY = "lazy"


def why_not(name: str) -> str:
    """Explains why a class of torch.nn is no layer; an empty string if it is unknown.

    The name is torch's or in snake_case: ``CrossEntropyLoss``, ``cross_entropy_loss``.
    """
    word = name[-100:].rpartition(".")[2].replace("_", "").lower()
    if word in REASONS:
        return REASONS[word]
    if _LOSS.fullmatch(word):
        return _IN_THE_LOOP
    return _why_not_lazy(word.removeprefix(_LAZY)) if word.startswith(_LAZY) else ""


def _why_not_lazy(eager: str) -> str:
    for layer in LAYERS:
        if layer.alias.lower() == eager and layer.inferred:
            return f"write {layer.name}: {' and '.join(layer.inferred)} is inferred in any case"
    return ""
