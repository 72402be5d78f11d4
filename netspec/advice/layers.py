"""What to write for a layer that is not known, or whose arguments are not read."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from netspec.advice.arguments import activation_of, named, positional
from netspec.advice.calls import Call, Given, Unknown, given_value, read_call
from netspec.advice.layer_names import Meant, meant, ranked
from netspec.advice.writing import instead, layer_text, source_text, value_text
from netspec.declaration import LayerType, TensorType
from netspec.diagnostics import Fix, fix, nearest
from netspec.planning.binding import example
from netspec.registry import Registry
from netspec.source import ListNode, MapNode, ScalarNode
from netspec.spec import Layer, Origin, Value, words

_INDEX = re.compile(r"\((\w+)\)\Z")
_MOST = 40


class Site(NamedTuple):
    """Where a layer stands: the input, the names of values, and whether a layer would fit."""

    registry: Registry
    input: TensorType | None
    names: Mapping[str, Any]
    accepts: Callable[[Layer], bool]
    blocks: Collection[str] = ()


class Rewritten(NamedTuple):
    """Items that say what another notation means."""

    items: tuple[str, ...]
    is_certain: bool


def unknown_layer(layer: Layer, origin: Origin, site: Site, reason: str) -> str | Fix:
    """The help for a layer whose name nobody has; an empty text where nothing is near.

    ``reason`` says why there is no such layer, and what to write.
    """
    found = _meant_layer(layer, origin, site, reason)
    if reason and isinstance(found, Fix):
        return found._replace(message=reason)
    return found or reason


def _meant_layer(layer: Layer, origin: Origin, site: Site, reason: str) -> str | Fix:
    several = _lines(origin)
    if several is not None:
        return several
    call = _call_of(layer, origin)
    if call is None:
        return ""
    found = _block(call.name, site) or meant(call.name, site.input, site.registry)
    if call.name in ("activation", "act", "nonlinearity") and len(call.positional) == 1:
        activation = str(getattr(call.positional[0], "value", ""))
        call = Call(activation)
        found = meant(activation, site.input, site.registry)
    if found is None or (reason and not found.is_certain):
        return ""
    if found.name in site.blocks:
        return fix(f"did you mean {found.name}?", (origin.span(), found.name), is_certain=False)
    if found.name in words.PARTS:
        if not isinstance(origin.arguments, ListNode | MapNode):
            return ""
        return _word(origin, found)
    rewritten = _only_the_word(layer, origin, found, site)
    if rewritten is not None:
        return rewritten
    items = rewrite(call, found, site)
    if items is None:
        return f"did you mean {found.name}?" if not found.child else ""
    return instead(origin, items.items, name=found.child, certain=items.is_certain)


def _block(name: str, site: Site) -> Meant | None:
    """The spec's own block that a name is like."""
    near = nearest(name, site.blocks)
    return None if near is None else Meant(near, is_certain=False)


def _word(origin: Origin, found: Meant) -> Fix | str:
    span = origin.span()
    text = found.name if not isinstance(origin.item, ScalarNode) else f"{found.name}:"
    if isinstance(origin.item, ScalarNode) and origin.key is not None:
        text = f"{{{text} }}"
    return fix(f"did you mean {found.name}?", (span, text), is_certain=found.is_certain)


def _only_the_word(layer: Layer, origin: Origin, found: Meant, site: Site) -> str | Fix | None:
    """The help that writes another name and leaves the arguments; None where they do not fit."""
    if found.child or not re.match(r"[A-Za-z_][\w.]*\Z", layer.type):
        return None
    if layer.arguments and isinstance(layer.arguments[0][1], tuple | str):
        return None
    if not site.accepts(Layer(found.name, layer.arguments)):
        return None
    return fix(
        f"did you mean {found.name}?", (origin.span(), found.name), is_certain=found.is_certain
    )


def _call_of(layer: Layer, origin: Origin) -> Call | None:
    """What is written, as a call: in YAML, in Python, or as PyTorch prints it."""
    if not layer.arguments:
        if re.match(r"[A-Za-z_][\w.]*\Z", layer.type):
            return Call(layer.type)
        return read_call(layer.type)
    texts = _texts(origin)
    first = layer.arguments[0][1]
    if _INDEX.match(layer.type) and isinstance(first, str):
        return read_call(first)
    if layer.arguments[0][0] is not None:
        given = [
            (str(name), Given(value, texts.get(str(name)) or value_text(value)))
            for name, value in layer.arguments
        ]
        return Call(layer.type, (), tuple(given))
    values = first if isinstance(first, tuple) else (first,)
    positions = tuple(
        Given(value, texts.get(str(place)) or value_text(value))
        for place, value in enumerate(values)
    )
    return Call(layer.type, positions)


def _texts(origin: Origin) -> dict[str, str]:
    """The arguments as they are written, by name or place."""
    node, source = origin.arguments, origin.source
    if isinstance(node, MapNode):
        return {str(key.value): source_text(source, value) for key, value in node.entries}
    if isinstance(node, ListNode):
        return {str(at): source_text(source, value) for at, value in enumerate(node.items)}
    return {} if node is None else {"0": source_text(source, node)}


def _lines(origin: Origin) -> str | Fix | None:
    """A text over several lines: those after the first belong to items of their own."""
    node = origin.item
    text = source_text(origin.source, node)
    if not isinstance(node, ScalarNode) or "\n" not in text or text[:1] in "'\"|>":
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    texts = [line.removeprefix("- ").strip() for line in lines]
    if origin.key is not None or not all(re.match(r"[A-Za-z_][\w.]*\Z", line) for line in texts):
        return None
    indented = lines[1].startswith("- ")
    what = "begin each layer in the same column" if indented else "begin each layer with its `-`"
    made = instead(origin, texts, certain=True)
    return made._replace(message=what) if isinstance(made, Fix) else what


def rewrite(call: Call, found: Meant, site: Site) -> Rewritten | None:
    """A call as the items that mean the same; None where its arguments are not understood."""
    registered = site.registry.find(found.name)
    if registered is None:
        return None
    layer_type, name = registered.layer, found.name
    special = _special(call, name)
    if special is not None:
        return Rewritten(special, True) if _fits(special, site) else None
    try:
        given = tuple((key, given_value(value, site.names)) for key, value in call.named)
        values = tuple(given_value(value, site.names) for value in call.positional)
    except ValueError:
        return None
    certain = found.is_certain
    arguments: dict[str, Given] = {}
    try:
        if values:
            by_name = sum(key in layer_type.required for key, _ in given)
            torchs = _is_torchs(call, layer_type)
            arguments, sure = positional(
                layer_type, values, site.input, as_torch=torchs, by_name=by_name
            )
            certain = certain and sure
        more, activation = named(layer_type, given, site.input)
    except ValueError:
        return None
    arguments |= more
    if name.startswith("adaptive_") and not arguments:
        arguments["output_size"] = Given(1, "1")
    ordered = {key: arguments[key] for key in layer_type.arguments if key in arguments}
    for key in layer_type.required:
        if key not in ordered:
            text = example(layer_type.arguments[key])
            ordered[key] = Given(int(text) if text.isdigit() else text, text)
            certain = False
    ordered = {key: ordered[key] for key in layer_type.arguments if key in ordered}
    ordered = _without_defaults(layer_type, ordered)
    if not site.accepts(Layer(name, tuple((key, one.value) for key, one in ordered.items()))):
        certain = False
        if not ordered:
            return None
    items = [layer_text(layer_type, {key: one.text for key, one in ordered.items()})]
    following = activation_of(activation)
    if following:
        after = meant(following, None, site.registry)
        if after is None:
            return None
        items.append(after.name)
    return Rewritten(tuple(items), certain)


def _is_torchs(call: Call, layer_type: LayerType) -> bool:
    """Whether the class of PyTorch is called, whose arguments have its order."""
    return call.name.rpartition(".")[2] == layer_type.alias


def _without_defaults(layer_type: LayerType, given: dict[str, Given]) -> dict[str, Given]:
    """What a printed module repeats need not be written."""
    defaults = layer_type.defaults
    return {
        name: one
        for name, one in given.items()
        if name not in defaults
        or type(defaults[name]) is not type(one.value)
        or defaults[name] != one.value
        or name == layer_type.obvious_argument
    }


def _fits(items: tuple[str, ...], site: Site) -> bool:
    return all(site.registry.find(text.partition(":")[0]) is not None for text in items)


def _special(call: Call, name: str) -> tuple[str, ...] | None:
    """Layers whose arguments have another form here: views, and sizes of upsampling."""
    values = tuple(getattr(value, "value", value) for value in call.positional)
    if name == "reshape":
        if len(values) == 1 and isinstance(values[0], tuple):
            values = values[0]
        if len(values) == 2 and (values[0] == -1 or values[1] == -1):
            return ("flatten",)
        numbers = values[1:]
        if numbers and all(type(value) is int for value in numbers):
            return (f"reshape: {value_text(numbers)}",)
        return None
    if name == "upsample" and "upsampling" in call.name.lower().replace("_", ""):
        sizes = [*values, *(getattr(v, "value", v) for key, v in call.named if key == "size")]
        if len(sizes) == 1 and not isinstance(sizes[0], Unknown):
            return (f"upsample: {{scale_factor: {value_text(_even(sizes[0]))}}}",)
    return None


def _even(size: Any) -> Any:
    return size[0] if isinstance(size, tuple) and len(set(size)) == 1 else size


def pasted(text: str, site: Site) -> Rewritten | None:
    """A call of Python as items (``nn.Linear(784, 512)``); None where it is none that is known."""
    call = read_call(text)
    found = None if call is None else meant(call.name, site.input, site.registry)
    return None if call is None or found is None else rewrite(call, found, site)


def of_family(layer_type: LayerType, origin: Origin, site: Site) -> str | Fix:
    """The help for ``batch_norm1d`` where its input is an image: another of the same family."""
    other = ranked(layer_type.name, site.input, site.registry)
    if other == layer_type.name:
        return ""
    arguments = _written_arguments(origin)
    if arguments is None or not site.accepts(Layer(other, arguments)):
        return ""
    return fix(f"did you mean {other}?", (origin.span(), other), is_certain=False)


def _written_arguments(origin: Origin) -> tuple[tuple[str | None, Value], ...] | None:
    """The arguments as they are written; None where one is computed or a list."""
    node = origin.arguments
    if node is None or (isinstance(node, ScalarNode) and node.value is None):
        return ()
    if isinstance(node, ScalarNode):
        return None if "$" in str(node.value) else ((None, node.value),)
    if not isinstance(node, MapNode):
        return None
    found = []
    for key, value in node.entries:
        if not isinstance(value, ScalarNode) or "$" in str(value.value):
            return None
        found.append((str(key.value), value.value))
    return tuple(found)
