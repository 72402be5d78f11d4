"""What to write for arguments that do not fit a layer's declaration."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from netspec.advice.arguments import FOLLOWING, activation_of, other_name, positional
from netspec.advice.calls import Given, read_call, read_values
from netspec.advice.layer_names import meant
from netspec.advice.layers import Site
from netspec.advice.templates import mended_text
from netspec.advice.writing import instead, layer_text, source_text, value_text, whole
from netspec.declaration import LayerType
from netspec.declaration.arguments import Argument, OneOf, spelled
from netspec.diagnostics import Fix, Instead, Span, fix, nearest
from netspec.planning.binding import example
from netspec.source import MapNode, ScalarNode, TextSource
from netspec.spec import Layer, Origin, Value
from netspec.spec.words import ITEM_KEYS

Help = str | Fix | Instead

_ARITHMETIC = re.compile(r"\d[\d\s().]*[+*/%-][\d\s()+*/%.-]*\Z", re.ASCII)
_BY = re.compile(r"(\d{1,6})(?: ?x ?(\d{1,6}))+\Z", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) ?%\Z", re.ASCII)
_WORDS: Mapping[str, Value] = {
    "yes": True, "on": True, "no": False, "off": False, "none": None, "nil": None,
}  # fmt: skip


# ---- a value that does not fit


def wrong_value(
    layer_type: LayerType,
    argument: Argument,
    value: Value,
    layer: Layer,
    origin: Origin,
    site: Site | None,
) -> Help:
    """The help for a value of the wrong kind; an empty text where nothing is known."""
    if argument.name not in layer_type.arguments:
        near = nearest(argument.name, layer_type.arguments)
        if near is not None:
            span = origin.argument_name(argument.name)
            return fix(f"did you mean {near}?", (span, near), is_certain=False)
    accepts = argument.kind.accepts
    if isinstance(value, str):
        return _for_text(layer_type, argument, value, layer, origin, site)
    if isinstance(value, tuple):
        return _for_list(layer_type, argument, value, layer, origin, site)
    if isinstance(value, float) and value.is_integer() and accepts(int(value)):
        return Instead(f"write {int(value)}", str(int(value)))
    if type(value) is int and abs(value) < 10**300 and accepts(float(value)):
        return Instead(f"write {float(value)}", str(float(value)))
    if value in (0, 1) and accepts(bool(value)):
        return Instead(f"write {spelled(bool(value))}", spelled(bool(value)))
    if type(value) is int and 1 < value <= 100 and accepts(value / 100):
        share = f"{value / 100:g}"
        return Instead(f"{value} % is {share}", share, is_certain=False)
    return ""


def _for_text(
    layer_type: LayerType,
    argument: Argument,
    value: str,
    layer: Layer,
    origin: Origin,
    site: Site | None,
) -> Help:
    accepts = argument.kind.accepts
    names: Mapping[str, object] = {} if site is None else site.names
    text = value.strip().removesuffix(",").removesuffix(";").strip()[:200]
    computed = _computed_of(origin, argument, names)
    if computed:
        return computed
    if text in names:
        return Instead(f"a param is written with a `$`: `${text}`", f"${text}")
    if text.lower() in _WORDS and accepts(_WORDS[text.lower()]):
        plain = spelled(_WORDS[text.lower()])
        return Instead(f"write `{plain}`: in YAML 1.2 `{value}` is a text", plain)
    number = _number(text)
    if number is not None and accepts(number):
        if isinstance(number, float) and not math.isfinite(number):
            return Instead(
                f"write `{spelled(number)}`: in YAML 1.2 `{value}` is a text", spelled(number)
            )
        what = "remove the quotes" if text == value else "remove the comma"
        return Instead(f"{what}: {spelled(number)}", spelled(number))
    by = _BY.match(text)
    if by:
        sizes: Value = tuple(int(part) for part in re.findall(r"\d+", text))
        if accepts(sizes):
            return Instead(f"a list is in brackets: `{spelled(sizes)}`", spelled(sizes))
    percent = _PERCENT.match(text)
    if percent and accepts(float(percent[1]) / 100):
        share = f"{float(percent[1]) / 100:g}"
        return Instead(f"write {share}", share)
    if text.startswith("(") and text.endswith(")"):
        values = read_values(text)
        if values is not None and accepts(tuple(values)):
            listed = spelled(tuple(values))
            return Instead(f"a list is written in brackets: `{listed}`", listed)
    if _ARITHMETIC.match(text):
        return _computed(text, argument)
    after = _items_after(text, layer_type, argument, layer, origin, site)
    if after:
        return after
    kinds = argument.kind.kinds if isinstance(argument.kind, OneOf) else (argument.kind,)
    words = [v for kind in kinds for v in getattr(kind, "values", ()) if type(v) is str]
    near = nearest(text, words)
    return "" if near is None else Instead(f"did you mean {near}?", near, is_certain=False)


def _computed_of(origin: Origin, argument: Argument, names: Mapping[str, object]) -> Instead | None:
    """``{{ width }}``, and ``$width * 2`` of which only the first word is computed."""
    span = origin.argument(argument.name)
    source = span.source
    if not isinstance(source, TextSource) or span.end - span.start > 200:
        return None
    text = source.text[span.start : span.end].strip("'\"")
    if re.fullmatch(r"\$(?:\w+|\([^()]*\))", text):
        return None  # it is computed, and its value is wrong
    found = mended_text(text)
    words = re.findall(r"[A-Za-z_]\w*", text)
    if not found and "$" in text and re.fullmatch(r"[\w\s.()$+*/%-]+", text):
        found = f"$({text.replace('$', '')})"
    if (
        not found
        and len(words)
        and re.fullmatch(r"[\w\s.()+*/%-]+", text)
        and len(text.split()) > 1
    ):
        found = f"$({text})"
    if not found or any(word not in names for word in words):
        return None
    return Instead(f"write `{found}`", found)


def _number(text: str) -> Value:
    if len(text) > 40:
        return None
    try:
        return int(text) if re.fullmatch(r"-?\d+", text, re.ASCII) else float(text)
    except ValueError:
        return None


def _computed(text: str, argument: Argument) -> Help:
    values = read_values(text)
    if not values or len(values) != 1:
        return ""
    number = values[0]
    if isinstance(number, float) and number.is_integer() and "/" in text:
        return Instead(f"write {int(number)}", str(int(number)))
    if not argument.kind.accepts(number):
        return ""
    written = f"$({text})"
    return Instead(f"a text with a `$` is computed: `{written}`", written)


def _items_after(
    text: str,
    layer_type: LayerType,
    argument: Argument,
    layer: Layer,
    origin: Origin,
    site: Site | None,
) -> Help:
    """``linear: 512, relu``, and ``linear: 512`` with `relu` in the next line without its `-`."""
    first, *others = re.split(r"\s*,\s*|\s+-\s+|\s+", text)
    number = _number(first)
    if site is None or not others or number is None or not argument.kind.accepts(number):
        return ""
    if len(layer.arguments) != 1 or layer.arguments[0][0] is not None:
        return ""
    items = [f"{layer_type.name}: {first}"]
    for other in others:
        found = meant(other, None, site.registry)
        if found is None or not found.is_certain or site.registry.find(found.name) is None:
            return ""
        items.append(found.name)
    return instead(origin, items, certain=True)


def _for_list(
    layer_type: LayerType,
    argument: Argument,
    value: tuple[Value, ...],
    layer: Layer,
    origin: Origin,
    site: Site | None,
) -> Help:
    if value and len({spelled(item) for item in value}) == 1 and argument.kind.accepts(value[0]):
        return Instead(f"write {spelled(value[0])}", spelled(value[0]))
    if site is not None and layer.arguments[0][0] is None:
        return by_name(layer_type, value, origin, site)
    return ""


# ---- arguments without names


def by_name(
    layer_type: LayerType, values: tuple[Value, ...], origin: Origin, site: Site
) -> str | Fix:
    """``conv2d: [16, 3]`` with the names of its values; empty where they have none."""
    texts = _item_texts(origin, values)
    given = tuple(Given(v, text) for v, text in zip(values, texts, strict=True))
    try:
        found, certain = positional(layer_type, given, site.input, as_torch=False)
    except ValueError:
        return ""
    return _written(layer_type, found, origin, site, certain)


def _item_texts(origin: Origin, values: tuple[Value, ...]) -> list[str]:
    nodes = getattr(origin.arguments, "items", None)
    if isinstance(nodes, tuple) and len(nodes) == len(values):
        texts = [source_text(origin.source, node) for node in nodes]
        if all(texts):
            return texts
    return [value_text(value) for value in values]


def _written(
    layer_type: LayerType,
    given: Mapping[str, Given],
    origin: Origin,
    site: Site,
    certain: bool,
) -> str | Fix:
    """The layer with these arguments, and examples for those that it needs too."""
    complete: dict[str, Given] = {}
    for name, argument in layer_type.arguments.items():
        if name in given:
            complete[name] = given[name]
        elif argument.required:
            text = example(argument)
            values = read_values(text) if "..." not in text else None
            if not values:
                return ""
            value = tuple(values[0]) if isinstance(values[0], tuple) else values[0]
            complete[name] = Given(value, text)
            certain = False
    candidate = Layer(layer_type.name, tuple((n, one.value) for n, one in complete.items()))
    text = layer_text(layer_type, {name: one.text for name, one in complete.items()})
    if not site.accepts(candidate):
        return f"write `{text}`"
    return instead(origin, [text], certain=certain)


def no_bare_value(
    layer_type: LayerType, value: Value, origin: Origin, site: Site | None
) -> str | Fix:
    """The help for a bare value of a layer that has no obvious argument."""
    if not layer_type.arguments:
        return instead(origin, [layer_type.name], certain=False)
    values = value if isinstance(value, tuple) else (value,)
    if site is not None and layer_type.required:
        found = by_name(layer_type, values, origin, site)
        if found:
            return found
    fitting = [n for n, known in layer_type.arguments.items() if known.kind.accepts(value)]
    if fitting and site is not None and not layer_type.required:
        given = {fitting[0]: Given(value, value_text(value))}
        return _written(layer_type, given, origin, site, False)
    made = instead(origin, [layer_type.name], certain=False)
    takes = f"; it takes {', '.join(layer_type.arguments)}"
    return made + takes if isinstance(made, str) else made._replace(message=made.message + takes)


def missing_arguments(
    layer_type: LayerType, layer: Layer, origin: Origin, site: Site | None, otherwise: str
) -> str | Fix:
    """The help that writes examples for what is missing."""
    if site is None:
        return otherwise
    nodes = {}
    if isinstance(origin.arguments, MapNode):
        nodes = {str(key.value): value for key, value in origin.arguments.entries}
    given: dict[str, Given] = {}
    for name, value in layer.arguments:
        name = name or layer_type.obvious_argument or ""
        node = nodes.get(name, origin.arguments)
        argument = layer_type.arguments.get(name)
        if argument is None or not argument.kind.accepts(value):
            return otherwise
        text = "" if node is None else source_text(origin.source, node)
        given[name] = Given(value, text if text and "\n" not in text else value_text(value))
    return _written(layer_type, given, origin, site, False) or otherwise


# ---- a name that is no argument


def unknown_argument(
    layer_type: LayerType,
    name: str,
    value: Value,
    layer: Layer,
    origin: Origin,
    site: Site | None,
    otherwise: str,
) -> Help:
    """The help for an argument that the layer does not have."""
    if name in ITEM_KEYS and site is not None:
        return _beside(layer_type, name, layer, origin) or otherwise
    if name == FOLLOWING and site is not None:
        found = _followed(layer_type, value, layer, origin, site)
        if found:
            return found
    other = other_name(name, layer_type.arguments)
    given = [known for known, _ in layer.arguments]
    near = nearest(name, layer_type.arguments)
    if other is not None and other not in given:
        what = f"did you mean {other}?" if near == other else f"it is called {other} here"
        return Instead(what, other)
    if near is None or near in given:
        return otherwise
    return Instead(f"did you mean {near}?", near, is_certain=False)


def _others(layer_type: LayerType, name: str, layer: Layer, origin: Origin) -> str | None:
    """The layer without one of its arguments, as text; None where its text is not known."""
    node = origin.arguments
    if not isinstance(node, MapNode):
        return None
    texts = {}
    for key, value in node.entries:
        if key.value == name:
            continue
        text = source_text(origin.source, value)
        if not text and isinstance(value, ScalarNode):
            text = "" if value.value is None else value_text(value.value)
        if not text or "\n" in text:
            return None
        texts[str(key.value)] = text
    return layer_text(layer_type, texts)


def _beside(layer_type: LayerType, name: str, layer: Layer, origin: Origin) -> str | Fix:
    """A reserved key among the arguments: it stands beside the layer."""
    text = _others(layer_type, name, layer, origin)
    node = origin.arguments
    if text is None or not isinstance(node, MapNode):
        return f"`{name}` stands beside the layer"
    value = next(v for key, v in node.entries if key.value == name)
    written = f"{name}: {source_text(origin.source, value)}"
    if ": " not in text:
        text += ":"
    if isinstance(origin.item, MapNode) and len(origin.item.entries) == 1:
        whole_item = f"{{{written}, {text}{' ' if text.endswith(':') else ''}}}"
        if name == "name" and origin.key is not None:
            return "remove `name`: the key is the child's name"
        span = Span(origin.source, origin.item.start, whole(origin).end)
        if source_text(origin.source, origin.item).startswith("{"):
            span = Span(origin.source, origin.item.start, origin.item.end)
        return fix(f"`{name}` stands beside the layer: `{whole_item}`", (span, whole_item))
    return f"`{name}` stands beside the layer: `{written}, {text}`"


def _followed(
    layer_type: LayerType, value: Value, layer: Layer, origin: Origin, site: Site
) -> str | Fix:
    """Keras' `activation` is a layer of its own."""
    text = _others(layer_type, FOLLOWING, layer, origin)
    if text is None:
        return ""
    word = activation_of(value)
    if not word:
        return instead(origin, [text], certain=True)
    call = read_call(f"{word}()")
    found = None if call is None else meant(call.name, site.input, site.registry)
    if found is None or site.registry.find(found.name) is None:
        return ""
    return instead(origin, [text, found.name], certain=found.is_certain)
