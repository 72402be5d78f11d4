"""A Spec as text: block style for layers, one line for arguments."""

from __future__ import annotations

import re

from netspec.source.scalars import TooManyDigits, resolve
from netspec.spec.spec import (
    Block,
    Concat,
    Each,
    Init,
    Initialiser,
    Input,
    Item,
    Keys,
    Layer,
    Layers,
    LayerTemplate,
    Name,
    Outputs,
    Param,
    Pass,
    RawParameter,
    Residual,
    Scale,
    SizeRange,
    Spec,
    Split,
    Use,
    Written,
)
from netspec.templates import Template

# Words that read back as themselves wherever they stand, in block and in flow style.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z", re.ASCII)


def to_yaml(spec: Spec) -> str:
    """The text of a spec; reading it gives an equal spec."""
    lines = [f"netspec: {spec.version}"]
    if spec.name is not None:
        lines.append(f"name: {_quoted(spec.name)}")
    if spec.requires:
        lines.append(f"requires: [{', '.join(_quoted(one.text) for one in spec.requires)}]")
    if len(spec.inputs) == 1 and spec.inputs[0].name == "input":
        lines.append(f"input: {_input(spec.inputs[0])}")
    elif spec.inputs:
        lines.append("inputs:")
        lines += [f"  {_scalar(given.name)}: {_input(given)}" for given in spec.inputs]
    if spec.params:
        lines += ["params:", *_params(spec.params, 2)]
    if spec.variants:
        lines.append("variants:")
        for variant in spec.variants:
            if variant.values:
                lines += [f"  {_quoted(variant.name)}:", *_params(variant.values, 4)]
            else:
                lines.append(f"  {_quoted(variant.name)}: {{}}")
    if spec.blocks:
        lines.append("blocks:")
        for block in spec.blocks:
            lines += _block_definition(block)
    if spec.init:
        lines.append("init:")
        lines += [f"  {_scalar(rule.type)}: {_init(rule.init)}" for rule in spec.init]
    if spec.tie:
        lines.append("tie:")
        lines += [f"  {_quoted(tie.parameter)}: {_quoted(tie.source)}" for tie in spec.tie]
    if spec.freeze:
        lines.append(f"freeze: {_names(spec.freeze)}")
    lines += _scope("layers", spec.layers, 0)
    return "\n".join(lines) + "\n"


def _params(params: tuple[Param, ...], indent: int) -> list[str]:
    margin = " " * indent
    return [
        f"{margin}{param.name}: {_flow(param.value)}"
        if param.is_given
        else f"{margin}{param.name}:"
        for param in params
    ]


def _block_definition(block: Block) -> list[str]:
    lines = [f"  {_quoted(block.name)}:"]
    if block.params:
        lines += ["    params:", *_params(block.params, 6)]
    if block.let:
        lines += ["    let:", *_params(block.let, 6)]
    return lines + _scope("layers", block.layers, 4)


def _scope(key: str, layers: Layers, indent: int) -> list[str]:
    """Layers with the keys that stand beside them."""
    margin = " " * indent
    lines = []
    if layers.inputs:
        lines.append(f"{margin}inputs: [{', '.join(_scalar(name) for name in layers.inputs)}]")
    if layers.outputs is not None:
        lines.append(f"{margin}outputs: {_outputs(layers.outputs)}")
    if layers.auxiliary is not None:
        lines.append(f"{margin}auxiliary: {_outputs(layers.auxiliary)}")
    if layers.register:
        lines.append(f"{margin}register: {_names(layers.register)}")
    return lines + _block(key, layers, indent)


def _outputs(outputs: Outputs) -> str:
    if outputs.keys is not None:
        pairs = zip(outputs.keys, outputs.names, strict=True)
        return "{" + ", ".join(f"{_quoted(key)}: {_scalar(name)}" for key, name in pairs) + "}"
    return _scalar(outputs.names[0]) if outputs.single else _names(outputs.names)


def _names(names: tuple[Name, ...]) -> str:
    return "[" + ", ".join(_scalar(name) for name in names) + "]"


def _init(init: Init) -> str:
    return "{" + ", ".join(f"{_quoted(name)}: {_initialiser(how)}" for name, how in init) + "}"


def _initialiser(how: Initialiser) -> str:
    if how.name == "constant" and [name for name, _ in how.arguments] == ["val"]:
        return _flow(how.arguments[0][1])
    if not how.arguments:
        return how.name
    given = ", ".join(f"{name}: {_flow(value)}" for name, value in how.arguments)
    return f"{{{how.name}: {{{given}}}}}"


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
    texts = {str(name) for name in names}
    if None not in names and len(texts) == len(names):
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
    plain = item.repeat is None and item.device is None and item.keys is None
    is_layer = isinstance(item.part, Layer | LayerTemplate)
    if plain and isinstance(item.part, Layer) and not item.part.arguments:
        return [f"{margin}{name}: {_scalar(item.part.type)}"]
    if plain and isinstance(item.part, Layers) and _is_list(item.part):
        return _block(name, item.part, indent)
    if plain and is_layer and isinstance(item.part, Layer | LayerTemplate):
        return [f"{margin}{name}: {{{layer_text(item.part)}}}"]
    return [f"{margin}{name}:", *_keys(item, indent + 2)]


def _is_list(layers: Layers) -> bool:
    if layers.inputs or layers.outputs or layers.auxiliary or layers.register:
        return False
    return not layers.items or any(item.name is None for item in layers.items)


def _item(item: Item, indent: int) -> list[str]:
    """An item of a list, whose first line is indented like the others."""
    margin = " " * indent
    plain = item.name is None and item.repeat is None and item.device is None and item.keys is None
    if plain and isinstance(item.part, Layer):
        text = layer_text(item.part) if item.part.arguments else _scalar(item.part.type)
        return [margin + text]
    if plain and isinstance(item.part, Layers) and _is_list(item.part):
        return _list(item.part, indent) or [f"{margin}[]"]
    lines = [f"{margin}name: {_scalar(item.name)}"] if item.name is not None else []
    return lines + _keys(item, indent)


def _keys(item: Item, indent: int) -> list[str]:
    """The reserved keys of an item, then the key that says what it is."""
    margin = " " * indent
    lines = []
    if item.repeat is not None:
        lines.append(f"{margin}repeat: {_flow(item.repeat)}")
    if item.device is not None:
        lines.append(f"{margin}device: {_scalar(item.device)}")
    if item.keys is not None:
        lines += _few(item.keys, margin)
    return lines + _part(item, indent)


def _few(keys: Keys, margin: str) -> list[str]:
    lines = []
    if keys.when is not True:
        lines.append(f"{margin}when: {_flow(keys.when)}")
    if keys.inputs:
        lines.append(f"{margin}from: {_from(keys)}")
    if keys.let:
        given = ", ".join(f"{name}: {_flow(value)}" for name, value in keys.let)
        lines.append(f"{margin}let: {{{given}}}")
    if keys.init is not None:
        lines.append(f"{margin}init: {_init(keys.init)}")
    if keys.freeze is not None:
        lines.append(f"{margin}freeze: {_flow(keys.freeze)}")
    if keys.shape is not None:
        lines.append(f"{margin}shape: {_flow(keys.shape)}")
    return lines


def _from(keys: Keys) -> str:
    if keys.input_names:
        pairs = zip(keys.input_names, keys.inputs, strict=True)
        return "{" + ", ".join(f"{_quoted(key)}: {_scalar(name)}" for key, name in pairs) + "}"
    return _scalar(keys.inputs[0]) if len(keys.inputs) == 1 else _names(keys.inputs)


def _part(item: Item, indent: int) -> list[str]:
    """The key that says what an item is, with what it holds."""
    margin = " " * indent
    part = item.part
    if isinstance(part, Layer | LayerTemplate):
        return [margin + layer_text(part)]
    if isinstance(part, Layers):
        return _scope("layers", part, indent)
    if isinstance(part, Residual):
        return _residual(part, indent)
    if isinstance(part, Scale):
        return _block("scale", part.body, indent)
    if isinstance(part, Concat):
        return _branches("concat", part.branches, part.dim, indent)
    if isinstance(part, Split):
        return _branches("split", part.branches, part.dim, indent)
    if isinstance(part, Each):
        return _each(part, indent)
    if isinstance(part, Use):
        return [f"{margin}use: {_scalar(part.child)}"]
    if isinstance(part, RawParameter):
        shape = _flow(part.shape)
        return [f"{margin}parameter: {{shape: {shape}, init: {_initialiser(part.init)}}}"]
    if isinstance(part, Pass):
        return []
    if not part.branches:
        return [f"{margin}{part.kind}:"]
    return [f"{margin}{part.kind}:", *_branch_list(part.branches, indent + 2)]


def _each(part: Each, indent: int) -> list[str]:
    margin = " " * indent
    lines = [f"{margin}each:", f"{margin}  in: {_flow(part.entries)}"]
    if part.names:
        names = ", ".join(part.names)
        lines.append(f"{margin}  as: {f'[{names}]' if part.unpacks else names}")
    return lines + _block("layers", part.layers, indent + 2)


def _residual(part: Residual, indent: int) -> list[str]:
    margin = " " * indent
    if part.body.items and _is_list(part.body) and part == Residual(part.body):
        return [f"{margin}residual:", *_list(part.body, indent + 2)]
    body = _block("body", part.body, indent + 2)
    shortcut: list[str] = []
    if part.shortcut.items or part.shortcut_first:
        shortcut = _block("shortcut", part.shortcut, indent + 2)
    both = [*shortcut, *body] if part.shortcut_first else [*body, *shortcut]
    return [f"{margin}residual:", *both]


def _branches(word: str, branches: tuple[Layers, ...], dim: Written, indent: int) -> list[str]:
    margin = " " * indent
    lines = [f"{margin}{word}:"]
    if dim == 1 and branches:
        return [*lines, *_branch_list(branches, indent + 2)]
    if dim != 1 or not branches:
        lines.append(f"{margin}  dim: {_flow(dim)}")
    if branches:
        lines += [f"{margin}  branches:", *_branch_list(branches, indent + 4)]
    return lines


def _branch_list(branches: tuple[Layers, ...], indent: int) -> list[str]:
    margin = " " * indent
    lines: list[str] = []
    for branch in branches:
        if not branch.items:
            lines.append(f"{margin}- []")
            continue
        below = _list(branch, indent + 2)
        below[0] = f"{margin}- " + below[0].lstrip(" ")
        lines += below
    return lines


def layer_text(layer: Layer | LayerTemplate) -> str:
    """``linear: 10`` or ``linear: {out_features: 10, bias: false}``."""
    name = _scalar(layer.type)
    if not layer.arguments:
        return f"{name}:"
    if layer.arguments[0][0] is None:
        return f"{name}: {_flow(layer.arguments[0][1])}"
    parts = [f"{_quoted(str(key))}: {_flow(value)}" for key, value in layer.arguments]
    return f"{name}: {{{', '.join(parts)}}}"


def _flow(value: Written) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str | Template):
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


def _scalar(text: Name) -> str:
    """A text where templates may stand, so that a dollar is two."""
    return _quoted(text.text if isinstance(text, Template) else text.replace("$", "$$"))


def _quoted(text: str) -> str:
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
