"""A Spec as text: block style for layers, one line for arguments."""

from __future__ import annotations

import re

from netspec.source.scalars import TooManyDigits, resolve
from netspec.spec.spec import Concat, Input, Item, Layer, Layers, Residual, SizeRange, Spec, Value

# Words that read back as themselves wherever they stand, in block and in flow style.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z", re.ASCII)


def to_yaml(spec: Spec) -> str:
    """The text of a spec; reading it gives an equal spec."""
    lines = [f"netspec: {spec.version}"]
    if spec.name is not None:
        lines.append(f"name: {_scalar(spec.name)}")
    lines += [f"input: {_input(given)}" for given in spec.inputs]
    lines += _block("layers", spec.layers, 0)
    return "\n".join(lines) + "\n"


def _input(given: Input) -> str:
    shape = _flow(given.shape)
    if given.dtype == "float32" and not given.sizes:
        return shape
    parts = [f"shape: {shape}"]
    if given.dtype != "float32":
        parts.append(f"dtype: {given.dtype}")
    parts += [f"{size.name}: {_range(size)}" for size in given.sizes]
    return "{" + ", ".join(parts) + "}"


def _range(size: SizeRange) -> str:
    stated = {"min": size.min, "max": size.max, "multiple_of": size.multiple_of}
    if size.multiple_of == 1:
        del stated["multiple_of"]
    return "{" + ", ".join(f"{k}: {v}" for k, v in stated.items() if v is not None) + "}"


def _block(key: str, layers: Layers, indent: int) -> list[str]:
    """``key:`` and the layers below it; a mapping where every child has a name of its own."""
    margin = " " * indent
    if not layers.items:
        return [f"{margin}{key}: []"]
    names = [item.name for item in layers.items]
    if None not in names and len(set(names)) == len(names):
        lines = [f"{margin}{key}:"]
        for item in layers.items:
            lines += _named(item, indent + 2)
        return lines
    return [f"{margin}{key}:", *_list(layers, indent + 2)]


def _list(layers: Layers, indent: int) -> list[str]:
    lines: list[str] = []
    for item in layers.items:
        body = _item(item, indent + 2)
        body[0] = " " * indent + "- " + body[0].lstrip(" ")
        lines += body
    return lines


def _named(item: Item, indent: int) -> list[str]:
    """An item of a mapping: its name is the key."""
    margin = " " * indent
    assert item.name is not None
    name = _scalar(item.name)
    plain = item.repeat is None and item.device is None
    if plain and isinstance(item.part, Layer) and not item.part.arguments:
        return [f"{margin}{name}: {_scalar(item.part.type)}"]
    if plain and isinstance(item.part, Layers) and _is_list(item.part):
        return _block(name, item.part, indent)
    if plain and isinstance(item.part, Layer):
        return [f"{margin}{name}: {{{layer_text(item.part)}}}"]
    return [f"{margin}{name}:", *_keys(item, indent + 2)]


def _is_list(layers: Layers) -> bool:
    return not layers.items or any(item.name is None for item in layers.items)


def _item(item: Item, indent: int) -> list[str]:
    """An item of a list, whose first line is indented like the others."""
    margin = " " * indent
    plain = item.name is None and item.repeat is None and item.device is None
    if plain and isinstance(item.part, Layer):
        text = layer_text(item.part) if item.part.arguments else _scalar(item.part.type)
        return [margin + text]
    lines = [f"{margin}name: {_scalar(item.name)}"] if item.name is not None else []
    return lines + _keys(item, indent)


def _keys(item: Item, indent: int) -> list[str]:
    """The reserved keys of an item, then the key that says what it is."""
    margin = " " * indent
    lines = []
    if item.repeat is not None:
        lines.append(f"{margin}repeat: {item.repeat}")
    if item.device is not None:
        lines.append(f"{margin}device: {_scalar(item.device)}")
    part = item.part
    if isinstance(part, Layer):
        lines.append(margin + layer_text(part))
    elif isinstance(part, Layers):
        lines += _block("layers", part, indent)
    elif isinstance(part, Residual):
        lines += _residual(part, indent)
    else:
        lines += _concat(part, indent)
    return lines


def _residual(part: Residual, indent: int) -> list[str]:
    margin = " " * indent
    lines = [f"{margin}residual:", *_block("body", part.body, indent + 2)]
    if part.shortcut.items:
        lines += _block("shortcut", part.shortcut, indent + 2)
    return lines


def _concat(part: Concat, indent: int) -> list[str]:
    margin = " " * indent
    lines = [f"{margin}concat:"]
    if part.dim != 1:
        lines.append(f"{margin}  dim: {part.dim}")
    lines.append(f"{margin}  branches:")
    for branch in part.branches:
        if not branch.items:
            lines.append(f"{margin}    - []")
            continue
        below = _list(branch, indent + 6)
        below[0] = f"{margin}    - " + below[0].lstrip(" ")
        lines += below
    return lines


def layer_text(layer: Layer) -> str:
    """``linear: 10`` or ``linear: {out_features: 10, bias: false}``."""
    name = _scalar(layer.type)
    if not layer.arguments:
        return f"{name}:"
    if layer.arguments[0][0] is None:
        return f"{name}: {_flow(layer.arguments[0][1])}"
    parts = [f"{_scalar(str(key))}: {_flow(value)}" for key, value in layer.arguments]
    return f"{name}: {{{', '.join(parts)}}}"


def _flow(value: Value) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str):
        return _scalar(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _float(value: float) -> str:
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)


def _scalar(text: str) -> str:
    """A text that reads back as itself; quoted where YAML would read something else."""
    if _PLAIN.match(text):
        try:
            if resolve(text) == text:
                return text
        except TooManyDigits:
            pass
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    # ASCII only: some letters beyond it are line breaks to YAML.
    if letter in '"\\':
        return "\\" + letter
    if " " <= letter <= "~":
        return letter
    code = ord(letter)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
