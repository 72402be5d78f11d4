"""Texts with a ``$``: parsed once, when the spec is read."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

MAX_EXPRESSION = 500  # letters
MAX_DEPTH = 40

_ESCAPE = re.compile(r"\\(?:[0-7]{1,3}|.)", re.DOTALL)
_KNOWN_ESCAPE = re.compile(r"""\\(?:[\n'"\\abfnrtvxuUN]|[0-3]?[0-7]{1,2})""")
_TEXT = re.compile(r"""'[^']*'|"[^"]*\"""")
_NUMBER_LIKE = re.compile(r"(?<![\w.])\d[\w.]*")
_NUMBER = re.compile(
    r"0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*\.?[\d_]*(?:[eE][\d_]*)?[jJ]?"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NODES = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.List, ast.Tuple, ast.Subscript, ast.Slice,
    ast.UnaryOp, ast.USub, ast.UAdd, ast.Not, ast.BoolOp, ast.And, ast.Or, ast.IfExp, ast.Call,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
)  # fmt: skip


class TemplateError(Exception):
    """The text is no template; the message says what is wrong, ``help`` what to write."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


@dataclass(frozen=True, slots=True)
class Template:
    """A text with values in it, such as ``$(width * 4)`` or ``layer$index``.

    ``parts`` are its plain texts and its expressions; two templates with one text are equal.
    ``nodes`` is how many nodes the expressions have.
    """

    text: str
    parts: tuple[str | ast.expr, ...] = field(compare=False, repr=False)
    nodes: int = field(default=1, compare=False, repr=False)

    @property
    def expression(self) -> ast.expr | None:
        """The whole of the template, where it is one expression and so may be any value."""
        only = self.parts[0]
        return only if len(self.parts) == 1 and isinstance(only, ast.expr) else None

    @property
    def names(self) -> frozenset[str]:
        """The names of values that its expressions ask for."""
        found: set[str] = set()
        for part in self.parts:
            if isinstance(part, ast.expr):
                nodes = list(ast.walk(part))
                called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
                found |= {n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in called}
        return frozenset(found)

    def __str__(self) -> str:
        return self.text


def parse_template(text: str) -> Template | str:
    """A text with a ``$`` as a template; as a plain text where it only has ``$$``.

    Raises:
        TemplateError: what follows a ``$`` is no name, and no expression of the language.
    """
    parts: list[str | ast.expr] = []
    plain = ""
    nodes = 0
    at = 0
    while at < len(text):
        dollar = text.find("$", at)
        if dollar < 0:
            plain += text[at:]
            break
        plain += text[at:dollar]
        following = text[dollar + 1 : dollar + 2]
        if following == "$":
            plain += "$"
            at = dollar + 2
            continue
        if following == "(":
            end = _closing(text, dollar + 1)
            expression = text[dollar + 2 : end]
            at = end + 1
        else:
            name = _NAME.match(text, dollar + 1)
            if name is None:
                raise TemplateError(
                    "after `$` comes a name or an expression in parentheses",
                    "write `$width` or `$(width * 4)`; a dollar itself is `$$`",
                )
            expression = name.group()
            at = name.end()
        if plain:
            parts.append(plain)
            plain = ""
        tree = _parsed(expression)
        nodes += _check(tree, 0)
        parts.append(tree.body)
    if plain:
        parts.append(plain)
    if all(isinstance(part, str) for part in parts):
        return "".join(str(part) for part in parts)
    return Template(text, tuple(parts), nodes)


def _closing(text: str, start: int) -> int:
    """The position of the parenthesis that closes the one at ``start``."""
    depth = 0
    quote = ""
    for position in range(start, len(text)):
        letter = text[position]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if not depth:
                return position
    raise TemplateError(
        f"`{_short(text[start - 1 :])}` has no closing parenthesis",
        "inside `{...}` and `[...]` an expression with a comma or a bracket needs quotes: "
        '`"$(max(a, b))"`',
    )


def _parsed(expression: str) -> ast.Expression:
    expression = expression.strip()
    if not expression:
        raise TemplateError("`$()` has no expression", "write for example `$(width * 4)`")
    if len(expression) > MAX_EXPRESSION:
        raise TemplateError(f"an expression is longer than {MAX_EXPRESSION} letters")
    _refuse_what_python_warns_of(expression)
    try:
        return ast.parse(expression.replace("\n", " "), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        hint = "a power is `**`; " if "^" in expression else ""
        raise TemplateError(
            f"`{_short(expression)}` is no expression",
            hint + "expressions are written as in Python: `$(width * 4 if wide else width)`",
        ) from None


def _refuse_what_python_warns_of(expression: str) -> None:
    """Its filters for warnings belong to the whole process, so that none may be raised.

    Raises:
        TemplateError: a number runs into a word, or a backslash is before a letter that it does
            not change.
    """
    for escape in _ESCAPE.finditer(expression):
        if not _KNOWN_ESCAPE.fullmatch(escape.group()):
            raise TemplateError(
                f"`{escape.group()}` is no escape of a text", "a backslash itself is two of them"
            )
    for number in _NUMBER_LIKE.finditer(_TEXT.sub("''", expression)):
        if not _NUMBER.fullmatch(number.group()):
            raise TemplateError(
                f"`{_short(number.group())}` is no number", "write a space after the number"
            )


def _check(node: ast.AST, depth: int) -> int:
    """How many nodes there are.

    Raises:
        TemplateError: one of them is not of the language.
    """
    if depth > MAX_DEPTH:
        raise TemplateError(f"an expression is nested more than {MAX_DEPTH} deep")
    if not isinstance(node, _NODES):
        what = type(node).__name__
        if isinstance(node, ast.Attribute):
            raise TemplateError(
                f"an expression has no attributes, but this one asks for `.{node.attr}`"
            )
        raise TemplateError(f"an expression cannot have a {what} of Python")
    if isinstance(node, ast.Constant) and not (
        node.value is None or type(node.value) in (int, float, str, bool)
    ):
        raise TemplateError(f"an expression cannot have the value {node.value!r}")
    if isinstance(node, ast.Call) and (not isinstance(node.func, ast.Name) or node.keywords):
        raise TemplateError("an expression calls functions by their names, without keywords")
    return 1 + sum(_check(child, depth + 1) for child in ast.iter_child_nodes(node))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
