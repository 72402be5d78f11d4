"""Layers as other programs write them: ``nn.Linear(28*28, 512)``, ``linear 512``, ``ReLU()``."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from netspec.spec import Value

LONGEST = 400  # letters of a text that is read as a call

_CALL = re.compile(r"([A-Za-z_][\w.]*)\s*\((.*)\)\s*[,;]?\s*\Z", re.ASCII | re.DOTALL)
_WORDS = re.compile(r"([A-Za-z_][\w.]*)\s*(?:[=,:]|->|\s)\s*(\S.*)\Z", re.ASCII)
_OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
}


class Unknown(NamedTuple):
    """A name in place of a value (``num_classes``)."""

    name: str


class Call(NamedTuple):
    """A layer's name with the arguments that were given to it."""

    name: str
    positional: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()


def read_call(text: str) -> Call | None:
    """``Linear(784, 512)`` or ``linear 512`` as a Call; None where the text is neither."""
    text = text.strip()
    if len(text) > LONGEST:
        return None
    match = _CALL.match(text)
    if match:
        return _python(match[1], match[2])
    match = _WORDS.match(text)
    if match and "(" not in text:
        given = _python(match[1], match[2])
        if given is None or any(isinstance(value, Unknown) for value in given.positional):
            return None
        return given
    return None


def read_values(text: str) -> tuple[Any, ...] | None:
    """``(N, 28, 28)`` or ``N, 28, 28`` as its values; None where it is no such list."""
    call = _python("f", text.strip().removeprefix("(").removesuffix(")").strip(" ,"))
    return None if call is None or call.named else call.positional


def _python(name: str, arguments: str) -> Call | None:
    try:
        tree = ast.parse(f"f({arguments})", mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        return None
    try:
        positional = tuple(_value(each) for each in tree.args)
        named = tuple((str(each.arg), _value(each.value)) for each in tree.keywords)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return Call(name, positional, named)


def _value(tree: ast.expr) -> Any:
    """
    Raises:
        ValueError: it is no value that YAML can hold.
    """
    if isinstance(tree, ast.Constant) and isinstance(
        tree.value, bool | int | float | str | type(None)
    ):
        return tree.value
    if isinstance(tree, ast.Tuple | ast.List):
        return tuple(_value(each) for each in tree.elts)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return -_number(tree.operand)
    if isinstance(tree, ast.BinOp) and type(tree.op) in _OPERATORS:
        left, right = _number(tree.left), _number(tree.right)
        return _OPERATORS[type(tree.op)](left, right)
    if isinstance(tree, ast.Name):
        return {"true": True, "false": False, "null": None}.get(tree.id, Unknown(tree.id))
    if isinstance(tree, ast.Attribute):  # self.width, torch.float32
        return Unknown(tree.attr)
    raise ValueError("no value")


def _number(tree: ast.expr) -> Any:
    """
    Raises:
        ValueError: it is no number, or a huge one.
    """
    value = _value(tree)
    if type(value) not in (int, float) or not abs(value) < 2**63:
        raise ValueError("no number")
    return value


class Given(NamedTuple):
    """A value with the text that writes it."""

    value: Value
    text: str


def given_value(value: Any, names: Mapping[str, Any]) -> Given:
    """A value of a call as a spec has it; a name that is known here becomes ``$name``.

    Raises:
        ValueError: it holds another name.
    """
    from netspec.advice.writing import value_text

    if isinstance(value, Given):
        return value
    if isinstance(value, Unknown):
        if value.name not in names:
            raise ValueError(value.name)
        return Given(names[value.name], f"${value.name}")
    if isinstance(value, tuple):
        items = [given_value(item, names) for item in value]
        texts = ", ".join(item.text for item in items)
        return Given(tuple(item.value for item in items), f"[{texts}]")
    return Given(value, value_text(value))
