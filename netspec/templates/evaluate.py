"""The value of a template: a walk over a few kinds of nodes, with limits for all of them."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from netspec.budget import spend
from netspec.diagnostics import Advice, Line, suggestion
from netspec.sizes import Expression, SizeLimit, at_least, equal
from netspec.templates.template import Template

#: What names stand for.
Names = Mapping[str, Any]

MOST = 2**63
MAX_LIST = 10_000
MAX_LIST_DEPTH = 32  # lists in lists
MAX_TEXT = 1_000
MAX_POWER = 64
MAX_DIGITS = 20  # of what is rounded


class EvaluationError(Exception):
    """An expression has no value; the message says why.

    ``word`` is the word of the expression in whose place the help names another.
    """

    def __init__(self, message: str, help: Advice = "", word: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.word = word


def evaluate(template: Template, names: Names) -> Any:
    """What a template stands for: any value where it is one expression, else a text.

    Lists are tuples. A size may be a symbolic expression.

    Raises:
        EvaluationError: a name is unknown, an operation fails, or a result is too large.
    """
    spend(template.nodes)
    expression = template.expression
    if expression is not None:
        return value_of(expression, names)
    texts = [
        part if isinstance(part, str) else _text(value_of(part, names)) for part in template.parts
    ]
    return _limited("".join(texts))


def value_of(expression: ast.expr, names: Names) -> Any:
    try:
        return _value(expression, names)
    except SizeLimit as problem:
        raise EvaluationError(str(problem)) from None
    except ZeroDivisionError:
        raise EvaluationError("a number is divided by zero") from None
    except (TypeError, ValueError, OverflowError, IndexError, KeyError) as problem:
        raise EvaluationError(f"`{ast.unparse(expression)}`: {problem}") from None


def _value(node: ast.expr, names: Names) -> Any:
    kind = type(node)
    value = _KINDS[kind](node, names)
    # A list that has a name was counted when it was made.
    return value if kind is ast.Name and type(value) is tuple else _limited(value)


def _limited(value: Any) -> Any:
    if type(value) is int and abs(value) > MOST:
        raise EvaluationError("a number is beyond 2**63")
    if type(value) is tuple:
        require_short(value)
    if type(value) is str and len(value) > MAX_TEXT:
        raise EvaluationError(f"a text has more than {MAX_TEXT:,} letters")
    return value


def require_short(value: tuple[Any, ...], most: int = MAX_LIST) -> None:
    """Charges a list's values, those of its lists too.

    Raises:
        EvaluationError: there are too many of them, or lists in lists are too deep.
    """
    spend(_counted(value, 0, 1, most))


def _counted(value: tuple[Any, ...], count: int, depth: int, most: int) -> int:
    """The values in a list and in its lists: one may stand there often."""
    count += len(value)
    if count > most:
        raise EvaluationError(f"a list has more than {most:,} values")
    if depth > MAX_LIST_DEPTH:
        raise EvaluationError(f"lists are nested more than {MAX_LIST_DEPTH} deep")
    for item in value:
        if type(item) is tuple:
            count = _counted(item, count, depth + 1, most)
    return count


def _constant(node: Any, names: Names) -> Any:
    return node.value


def _name(node: Any, names: Names) -> Any:
    try:
        return names[node.id]
    except KeyError:
        if node.id in FUNCTIONS:
            raise EvaluationError(f"{node.id} is a function: write `{node.id}(...)`") from None
        raise EvaluationError(
            f"there is no value called {node.id!r} here",
            lambda: _near_name(node.id, names),
            node.id,
        ) from None


def _near_name(name: str, names: Names) -> Line:
    known = [name for name in names if not name.startswith("_")]
    return suggestion(name, known, lambda: f"there are {', '.join(sorted(known)[:20])}")()


def _sequence(node: Any, names: Names) -> Any:
    return tuple([_value(item, names) for item in node.elts])


def _subscript(node: Any, names: Names) -> Any:
    value = _value(node.value, names)
    if type(value) not in (tuple, str):
        raise EvaluationError(f"`{ast.unparse(node.value)}` is no list, but {_shown(value)}")
    if isinstance(node.slice, ast.Slice):
        parts = [
            None if part is None else _value(part, names)
            for part in (node.slice.lower, node.slice.upper, node.slice.step)
        ]
        return value[slice(*parts)]
    index = _value(node.slice, names)
    if type(index) is not int or not -len(value) <= index < len(value):
        raise EvaluationError(
            f"`{ast.unparse(node.value)}` has {len(value)} values, but no {_shown(index)}"
        )
    return value[index]


def _unary(node: Any, names: Names) -> Any:
    value = _value(node.operand, names)
    if isinstance(node.op, ast.Not):
        return not truth(value)
    return _number(value) if isinstance(node.op, ast.UAdd) else -_number(value)


def _boolean(node: Any, names: Names) -> Any:
    wanted = isinstance(node.op, ast.Or)
    value: Any = not wanted
    for part in node.values:
        value = _value(part, names)
        if truth(value) is wanted:
            break
    return value


def _choice(node: Any, names: Names) -> Any:
    return _value(node.body if truth(_value(node.test, names)) else node.orelse, names)


def _binary(node: Any, names: Names) -> Any:
    left, right = _value(node.left, names), _value(node.right, names)
    kind = type(node.op)
    texts = (str, tuple)
    if kind is ast.Add and type(left) in texts and type(left) is type(right):
        return left + right
    if kind is ast.Mult and type(left) in texts and type(right) is int:
        if len(left) * max(right, 0) > MAX_LIST:
            raise EvaluationError(f"a list has more than {MAX_LIST:,} values")
        return left * right
    left, right = _number(left), _number(right)
    if kind is ast.Pow:
        if isinstance(left, Expression) or isinstance(right, Expression):
            raise EvaluationError("a power is of known numbers")
        if abs(right) > MAX_POWER:
            raise EvaluationError(f"a power is at most {MAX_POWER}")
        result = left**right
        if isinstance(result, complex):
            raise EvaluationError("a power is no real number")
        return result
    if kind is ast.Mod and (isinstance(left, Expression) or isinstance(right, Expression)):
        return left - left // right * right
    if kind is ast.Div and (isinstance(left, Expression) or isinstance(right, Expression)):
        raise EvaluationError("a symbolic size is divided by `//`, not `/`")
    return _OPERATIONS[kind](left, right)


def _comparison(node: Any, names: Names) -> Any:
    left = _value(node.left, names)
    for operation, other in zip(node.ops, node.comparators, strict=True):
        right = _value(other, names)
        if not _compared(type(operation), left, right, node):
            return False
        left = right
    return True


def _compared(kind: type, left: Any, right: Any, node: ast.expr) -> bool:
    if kind in (ast.In, ast.NotIn):
        if type(right) is tuple:
            require_short(right)
            found = _any(_equal(left, item) for item in right)
        elif type(right) is str and type(left) is str:
            found = left in right
        else:
            raise EvaluationError(f"`in` asks for a list, not {_shown(right)}")
        answer = _not(found) if kind is ast.NotIn else found
    elif not _is_symbolic(left) and not _is_symbolic(right):
        return bool(_COMPARISONS[kind](left, right))
    elif type(left) is tuple or type(right) is tuple:
        answer = _lists_compared(kind, left, right)
    else:
        answer = _decided(kind, _number(left), _number(right))
    if answer is None:
        raise EvaluationError(
            f"`{ast.unparse(node)}` depends on the input: it compares {brief(left)} with "
            f"{brief(right)}",
            "give the sizes numbers in `input`, or make the choice a param",
        )
    return answer


def _is_symbolic(value: Any) -> bool:
    """Whether a value is a size that is not known, or a list with such a size in it."""
    if type(value) is tuple:
        spend(len(value))
        return any(_is_symbolic(item) for item in value)
    return isinstance(value, Expression)


# ---- comparisons with three answers: None is "it depends on the input"


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _any(answers: Iterable[bool | None]) -> bool | None:
    result: bool | None = False
    for answer in answers:
        if answer:
            return True
        result = None if answer is None else result
    return result


def _all(answers: Iterable[bool | None]) -> bool | None:
    return _not(_any(_not(answer) for answer in answers))


def _equal(left: Any, right: Any) -> bool | None:
    if not _is_symbolic(left) and not _is_symbolic(right):
        return bool(left == right)
    if type(left) is tuple and type(right) is tuple:
        if len(left) != len(right):
            return False
        return _all(_equal(one, other) for one, other in zip(left, right, strict=True))
    if not _is_number(left) or not _is_number(right):
        return False
    return _decided(ast.Eq, left, right)


def _lists_compared(kind: type, left: Any, right: Any) -> bool | None:
    """A comparison of lists, of which at least one has a size in it that is not known."""
    if kind in (ast.Eq, ast.NotEq):
        answer = _equal(left, right)
        return answer if kind is ast.Eq else _not(answer)
    if type(left) is not tuple or type(right) is not tuple:
        raise EvaluationError(f"a list is not comparable with {_shown(_other(left, right))}")
    less, more = (left, right) if kind in (ast.Lt, ast.LtE) else (right, left)
    return _is_before(less, more, or_equal=kind in (ast.LtE, ast.GtE))


def _other(left: Any, right: Any) -> Any:
    return right if type(left) is tuple else left


def _is_before(less: tuple[Any, ...], more: tuple[Any, ...], *, or_equal: bool) -> bool | None:
    """Whether one list is before the other, by the first place where they differ."""
    spend(1)
    answer: bool | None = len(less) < len(more) or (or_equal and len(less) == len(more))
    for one, other in reversed(list(zip(less, more, strict=False))):
        # It is less, or equal to it and what follows is before.
        is_less = _is_less(one, other, or_equal=False)
        if is_less is not True and answer is not False:
            is_at_most = _is_less(one, other, or_equal=True)
            answer = is_at_most if answer or is_at_most is False else None
        else:
            answer = is_less
    return answer


def _is_less(one: Any, other: Any, *, or_equal: bool) -> bool | None:
    if type(one) is tuple and type(other) is tuple:
        return _is_before(one, other, or_equal=or_equal)
    kind = ast.LtE if or_equal else ast.Lt
    if not _is_symbolic(one) and not _is_symbolic(other):
        return or_equal if one == other else bool(one < other)
    if type(one) is tuple or type(other) is tuple:
        raise EvaluationError(f"a list is not comparable with {_shown(_other(one, other))}")
    return _decided(kind, _number(one), _number(other))


def _decided(kind: type, left: Any, right: Any) -> bool | None:
    """A comparison of two numbers, of which at least one is a size that is not known."""
    if isinstance(left, float):
        return _decided_of_real(_TURNED[kind], right, left)
    if isinstance(right, float):
        return _decided_of_real(kind, left, right)
    if kind in (ast.Eq, ast.NotEq):
        if equal(left, right).answer:
            return kind is ast.Eq
        if _always(left, right, 1) or _always(right, left, 1):
            return kind is ast.NotEq
        return None
    strict = int(kind in (ast.Lt, ast.Gt))
    more, less = (left, right) if kind in (ast.Gt, ast.GtE) else (right, left)
    if _always(more, less, strict):
        return True
    return False if _always(less, more, 1 - strict) else None


def _decided_of_real(kind: type, size: Any, number: float) -> bool | None:
    """Sizes are whole numbers: ``H < 2.5`` is ``H < 3``."""
    if not math.isfinite(number):
        return bool(_COMPARISONS[kind](0, number))
    if kind in (ast.Eq, ast.NotEq) and not number.is_integer():
        return kind is ast.NotEq
    whole = math.ceil(number) if kind in (ast.Lt, ast.GtE) else math.floor(number)
    return _decided(kind, size, whole)


def _always(more: Any, less: Any, by: int) -> bool:
    """Whether ``more - less >= by`` for all values of the symbols."""
    difference = more - less
    if isinstance(difference, Expression):
        return at_least(difference, by).answer is True
    return bool(difference >= by)


def _call(node: Any, names: Names) -> Any:
    function = FUNCTIONS.get(node.func.id)
    if function is None:
        raise EvaluationError(
            f"there is no function called {node.func.id!r}",
            suggestion(node.func.id, FUNCTIONS, f"there are {', '.join(FUNCTIONS)}"),
            node.func.id,
        )
    return function(*[_value(argument, names) for argument in node.args])


def truth(value: Any) -> bool:
    """Whether a value counts as true: a number other than 0, a text or list that is not empty.

    Raises:
        EvaluationError: it depends on a size that is not known.
    """
    if isinstance(value, Expression):
        return bool(_compared(ast.NotEq, value, 0, ast.Constant(str(value))))
    return bool(value)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float, bool) or isinstance(value, Expression)


def _number(value: Any) -> Any:
    if not _is_number(value):
        raise EvaluationError(f"a number is needed, not {_shown(value)}")
    return value


def _known(value: Any) -> Any:
    if isinstance(value, Expression):
        raise EvaluationError(f"a known number is needed, but {value} depends on the input")
    return _number(value)


def _shown(value: Any) -> str:
    if type(value) is str:
        return f"the text {value[:40]!r}"
    return "a list" if type(value) is tuple else str(value)


def brief(value: Any) -> str:
    """A value in a message, shortened."""
    text = _text(value[:8]) if type(value) is tuple else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _text(value: Any) -> str:
    if type(value) is tuple:
        spend(len(value))
        return f"[{', '.join(_text(item) for item in value)}]"
    return str(value)


# ---- functions


def _int(value: Any) -> Any:
    if isinstance(value, Expression):
        return value
    if type(value) is str:
        return int(value[:40])
    return int(_number(value))


def _ceil(value: Any) -> Any:
    return value if isinstance(value, Expression) else math.ceil(_number(value))


def _floor(value: Any) -> Any:
    return value if isinstance(value, Expression) else math.floor(_number(value))


def _round(value: Any, digits: Any = None) -> Any:
    if digits is None:
        return round(_known(value))
    if type(digits) is not int or abs(digits) > MAX_DIGITS:
        raise EvaluationError(f"round takes at most {MAX_DIGITS} digits, not {_shown(digits)}")
    return round(_known(value), digits)


def _least(*values: Any) -> Any:
    return _extreme(values, min)


def _largest(*values: Any) -> Any:
    return _extreme(values, max)


def _extreme(values: tuple[Any, ...], choose: Callable[..., Any]) -> Any:
    if len(values) == 1 and type(values[0]) is tuple:
        values = values[0]
        spend(len(values))
    if not values:
        raise EvaluationError(f"{choose.__name__} of nothing")
    return choose(_known(value) for value in values)


def _sum(values: Any) -> Any:
    total: Any = 0
    spend(len(_list(values)))
    for value in values:
        total = total + _number(value)
    return total


def _range(*limits: Any) -> Any:
    for limit in limits:
        if type(limit) is not int:
            raise EvaluationError(f"range takes whole numbers, not {_shown(limit)}")
    numbers = range(*limits)
    if len(numbers) > MAX_LIST:
        raise EvaluationError(f"a list has more than {MAX_LIST:,} values")
    return tuple(numbers)


def _len(value: Any) -> int:
    if type(value) not in (tuple, str):
        raise EvaluationError(f"len takes a list, not {_shown(value)}")
    return len(value)


def _list(value: Any) -> Any:
    if type(value) is not tuple:
        raise EvaluationError(f"a list is needed, not {_shown(value)}")
    return value


def _zip(*lists: Any) -> Any:
    return tuple(zip(*[_list(values) for values in lists], strict=False))


def _make_divisible(value: Any, divisor: Any) -> int:
    """To a multiple of the divisor, at least one, and never below 0.9 of the value.

    https://github.com/tensorflow/models/blob/master/research/slim/nets/mobilenet/mobilenet.py
    """
    value, divisor = _known(value), _known(divisor)
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return int(rounded + divisor if rounded < 0.9 * value else rounded)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": lambda value: abs(_known(value)),
    "ceil": _ceil,
    "float": lambda value: float(_known(value)),
    "floor": _floor,
    "int": _int,
    "len": _len,
    "make_divisible": _make_divisible,
    "max": _largest,
    "min": _least,
    "range": _range,
    "round": _round,
    "sqrt": lambda value: math.sqrt(_known(value)),
    "str": lambda value: _text(value),
    "sum": _sum,
    "zip": _zip,
}

_OPERATIONS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
#: The comparison with its sides exchanged.
_TURNED: Mapping[type, type] = {
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}
_KINDS: Mapping[type, Callable[[Any, Names], Any]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Subscript: _subscript,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.IfExp: _choice,
    ast.BinOp: _binary,
    ast.Compare: _comparison,
    ast.Call: _call,
}
