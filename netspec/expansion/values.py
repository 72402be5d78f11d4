"""What is written with ``$`` becomes values, in the place where it stands."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, cast

from netspec.budget import spend
from netspec.declaration import TensorType
from netspec.diagnostics import Diagnostics, Instead, Line, Span, listed, suggestion
from netspec.sizes import Expression, Size
from netspec.source import ListNode, MapNode, Node, ScalarNode
from netspec.source.limits import MAX_NODES
from netspec.source.values import read_value
from netspec.spec import Name, Spec, Value, Written
from netspec.templates import EvaluationError, Names, Template, brief, evaluate
from netspec.templates.evaluate import require_short

#: The values that expressions see by their names. Nobody changes one that another has got.
Environment = Mapping[str, Any]
#: The arguments of a layer or block, computed; one without a name is the one obvious argument.
Arguments = tuple[tuple[str | None, Any], ...]


class UnknownShape(Exception):
    """An expression asks for a shape or param that is not known, after an error."""


class Skip(Exception):
    """An item is left out; the reason is among the diagnostics."""


COPIED = 100  # names that are copied where some are added; more are looked up in two steps


def opened(names: Environment) -> tuple[Environment, dict[str, Any]]:
    """An environment of the names, and the dict in which its maker adds more.

    A spec may have 20,000 params: they are not copied for each copy of a layer.
    """
    if names.__class__ is dict and len(names) <= COPIED:
        own = dict(names)
        return own, own
    own = {}
    if isinstance(names, ChainMap):
        spend(len(names.maps))
        return names.new_child(own), own
    return ChainMap(own, cast(dict[str, Any], names)), own


class Nowhere(Enum):
    """In place of a value's type: where no value is, as beside ``outputs``, none has a shape."""

    NOWHERE = "nowhere"


NOWHERE = Nowhere.NOWHERE
#: Where an expression stands: at a value of the type, which is None after an error, or at none.
At = TensorType | None | Nowhere


def names_at(names: Names, at: At) -> Names:
    """The names of an expression; the shape's are among them where a value is."""
    return names if isinstance(at, Nowhere) else NamesAt(names, at)


class NamesAt(Mapping[str, Any]):
    """The names of an expression that stands where a value of the type is."""

    __slots__ = ("names", "type")

    def __init__(self, names: Names, type: TensorType | None) -> None:
        self.names = names
        self.type = type

    def __getitem__(self, name: str) -> Any:
        try:
            return self.names[name]
        except KeyError:
            find = _OF_SHAPES.get(name)
            if find is None:
                raise
            if self.type is None:
                raise UnknownShape from None
            return find(self.type)

    def __iter__(self) -> Iterator[str]:
        yield from _OF_SHAPES
        yield from self.names

    def __len__(self) -> int:
        return len(_OF_SHAPES) + len(self.names)


def _size(type: TensorType, position: int, what: str) -> Size:
    if not -type.rank <= position < type.rank:
        raise EvaluationError(f"{type} has no {what}")
    return type.shape[position]


_OF_SHAPES: Mapping[str, Callable[[TensorType], Any]] = {
    "in_channels": lambda type: _size(type, 1, "channels (no second size)"),
    "in_features": lambda type: _size(type, -1, "last size"),
    "shape": lambda type: type.shape,
}


def computed(written: Written, names: Names) -> Any:
    """The value of what is written.

    Raises:
        EvaluationError: an expression has no value.
        UnknownShape: it depends on a shape that is not known.
    """
    if written.__class__ is Template:
        return evaluate(written, names)
    if written.__class__ is not tuple:
        return written
    value = tuple([_item(item, names) for item in written])
    require_short(value, MAX_NODES)
    return value


def _item(written: Written, names: Names) -> Any:
    if written.__class__ is tuple:
        return tuple([_item(item, names) for item in written])
    return evaluate(written, names) if written.__class__ is Template else written


def plain(value: Any) -> Value:
    """A value that may be an argument of a layer.

    Raises:
        EvaluationError: it is a size that depends on the input.
    """
    if isinstance(value, Expression):
        raise EvaluationError(
            f"a known number is needed, but {value} depends on the input",
            "give the sizes numbers in `input`",
        )
    if value.__class__ is tuple:
        spend(len(value))
        return tuple([plain(item) for item in value])
    result: Value = value
    return result


def spec_params(spec: Spec, overrides: Mapping[str, Any], found: Diagnostics) -> Environment | None:
    """The values of a spec's params; None where one is missing or wrong, which is reported."""
    known = {param.name: param for param in spec.params}
    given = _given(overrides, found)
    if given is None:
        return None
    fine = True
    for name in given:
        if name not in known:
            fine = False
            found.error(
                "unknown-param",
                f"the spec has no param {name!r}",
                spec.origin.reserved("params"),
                help=[suggestion(name, known, f"it has {listed([*known][:20]) or 'none'}", None)],
            )
    names: dict[str, Any] = {}
    wrong: set[str] = set()
    spend(len(spec.params))
    for param in spec.params:
        if param.name in given:
            names[param.name] = given[param.name]
        elif not param.is_given:
            wrong.add(param.name)
            variants = [variant.name for variant in spec.variants]
            help = f"choose a variant: {listed(variants[:20], 'or')}" if variants else ""
            found.error(
                "missing-param",
                f"the param {param.name} has no value",
                param.span,
                help=[help or "give it a default, or a value with `--set` or `params=`"],
            )
        else:
            try:
                names[param.name] = computed(param.value, _Params(names, wrong))
            except EvaluationError as problem:
                report(problem, param.span, found)
                wrong.add(param.name)
            except UnknownShape:
                wrong.add(param.name)
    return names if fine and not wrong else None


class _Params(Mapping[str, Any]):
    """The params so far; those that have no value are reported, and nobody says so again."""

    __slots__ = ("names", "wrong")

    def __init__(self, names: Names, wrong: set[str]) -> None:
        self.names = names
        self.wrong = wrong

    def __getitem__(self, name: str) -> Any:
        if name in self.wrong:
            raise UnknownShape
        return self.names[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.names

    def __len__(self) -> int:
        return len(self.names)


def report(problem: EvaluationError, span: Span, found: Diagnostics) -> None:
    def help() -> Line:
        line = problem.help() if callable(problem.help) else problem.help
        if not isinstance(line, Instead) or not problem.word:
            return line
        from netspec.advice.writing import replaced_word

        return replaced_word(line.message, span, problem.word, line.text)

    found.error("bad-expression", problem.message, span, help=[help])


def text_of(name: Name, names: Names) -> str:
    """A name that may be a template, as text.

    Raises:
        EvaluationError: it is not a text.
    """
    if isinstance(name, str):
        return name
    value = evaluate(name, names)
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise EvaluationError(f"a name is a text, but {name} is {_words(value)}")
    return value


def _words(value: Any) -> str:
    return "a list" if type(value) is tuple else brief(value)


def _given(overrides: Mapping[str, Any], found: Diagnostics) -> Environment | None:
    """The values of a caller as expressions know them; None where one is wrong (reported)."""
    if not overrides:
        return {}
    reported = len(found.found)
    source, root = read_value(overrides, "<params>", found)
    if not isinstance(root, MapNode):
        return None
    names: dict[str, Any] = {}
    for key, node in root.entries:
        if isinstance(node, MapNode):
            span = Span(source, node.start, node.end)
            found.error("bad-params", "a param is a value or a list, not a mapping", span)
        names[str(key.value)] = _value(node)
    return names if len(found.found) == reported else None


def _value(node: Node) -> Any:
    """A scalar, or a list of them as a tuple."""
    if isinstance(node, ListNode):
        return tuple([_value(item) for item in node.items])
    return node.value if isinstance(node, ScalarNode) else None
