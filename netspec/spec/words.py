"""The words of the language that are no layer's name."""

VERSION = 1

#: What an item is, when it is no layer of the registry.
SCOPE = "layers"
RESIDUAL = "residual"
CONCAT = "concat"
PARTS = frozenset({SCOPE, RESIDUAL, CONCAT})

#: What may stand beside any part, with the same meaning everywhere.
ITEM_KEYS = frozenset({"name", "repeat", "device"})
#: Kept for the language's next versions: no layer may be called so.
RESERVED_LATER = frozenset({"when", "from", "use", "let", "shape", "dtype", "freeze", "init"})
RESERVED = ITEM_KEYS | RESERVED_LATER

ROOT_KEYS = ("netspec", "name", "input", "layers")
ROOT_LATER = frozenset({"inputs", "outputs", "params", "variants", "blocks", "requires"})


def is_word_of_the_language(name: str) -> bool:
    """Whether a layer may not be called so."""
    return name in PARTS or name in RESERVED
