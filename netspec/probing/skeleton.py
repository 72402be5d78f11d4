"""The beginning of a shape rule for a class, for its author to go on with."""

from __future__ import annotations

from netspec.declaration import FromClass
from netspec.declaration.arguments import Choice, Kind, OneOf, Real, Text, Tuple, Whole


def skeleton(layer: FromClass, rank: int) -> tuple[str, ...]:
    """The lines of a declaration with a rule, whose output has ``rank`` sizes."""
    arguments = [
        f"{argument.name}: {_hint(argument.kind)}"
        + ("" if argument.required else f" = {argument.default!r}")
        for argument in layer.arguments.values()
    ]
    names = ", ".join(f"{name}: TensorType" for name in layer.inputs)
    given = f"{names}, *, {', '.join(arguments)}" if arguments else names
    sizes = ", ".join([f"{layer.inputs[0]}.shape[0]", *["..."] * (rank - 1)])
    sizes += "," if rank < 2 else ""
    return (
        f'@layer("{layer.target}")',
        f"def {layer.name}({given}) -> Output:",
        f"    return Output(({sizes}), parameters={{...}})",
    )


def _hint(kind: Kind) -> str:
    if isinstance(kind, Whole):
        return "int"
    if isinstance(kind, Real):
        return "float"
    if isinstance(kind, Text):
        return "str"
    if isinstance(kind, Tuple):
        count = ", ..." if kind.length is None else f", {_hint(kind.item)}" * (kind.length - 1)
        return f"tuple[{_hint(kind.item)}{count}]"
    if isinstance(kind, OneOf):
        return " | ".join(map(_hint, kind.kinds))
    assert isinstance(kind, Choice)
    if set(kind.values) == {True, False}:
        return "bool"
    return "None" if kind.values == (None,) else f"Literal[{', '.join(map(repr, kind.values))}]"
