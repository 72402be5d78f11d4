"""The words of the language that are no layer's name."""

import re

from netspec.operators import OPERATORS

VERSION = 1
#: How a size of the input may be called.
SIZE_NAME = re.compile(r"[A-Z][A-Za-z0-9_]*\Z", re.ASCII)

#: What an item is, when it is no layer of the registry and no block.
SCOPE = "layers"
EACH = "each"
USE = "use"
PARAMETER = "parameter"
PARTS = frozenset({SCOPE, EACH, USE, PARAMETER, *OPERATORS})

#: What may stand beside any part, with the same meaning everywhere.
ITEM_KEYS = frozenset(
    {"name", "repeat", "device", "when", "from", "let", "init", "shape", "freeze"}
)
#: What may stand beside ``layers``, in an item, a block, and the document.
SCOPE_KEYS = frozenset({"inputs", "outputs", "auxiliary", "register"})
#: Kept for the language's next versions: no layer may be called so.
RESERVED_LATER = frozenset({"dtype"})
RESERVED = ITEM_KEYS | SCOPE_KEYS | RESERVED_LATER

#: Keys under which other notations say which layer an item is.
TYPE_KEYS = frozenset({"type", "layer", "class", "kind", "module", "op", "layer_type"})

ROOT_KEYS = (
    "netspec", "name", "requires", "input", "inputs", "params", "variants", "blocks", "layers",
    "outputs", "auxiliary", "register", "init", "tie", "freeze",
)  # fmt: skip

#: What a container calls its one input.
INPUT = "input"


def is_word_of_the_language(name: str) -> bool:
    """Whether a layer may not be called so."""
    return name in PARTS or name in RESERVED
