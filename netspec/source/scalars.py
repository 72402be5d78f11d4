"""Plain scalars by YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema).

PyYAML follows YAML 1.1, where ``no`` is false, ``1:30`` is 90, ``010`` is 8 and ``1e-5`` is text.
"""

from __future__ import annotations

import re

from netspec.source.nodes import Scalar

MAX_DIGITS = 400  # a float64 has at most 309 digits before the point; more is a mistake
_LIMIT = 10**MAX_DIGITS

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z", re.ASCII)
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z", re.ASCII)
_STARTS_NUMBER = frozenset("0123456789+-.")


class TooManyDigits(ValueError):
    """A number that no size or weight could ever need."""


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar.

    Raises:
        TooManyDigits: for a number of more than ``MAX_DIGITS`` digits.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS_NUMBER:
        return text
    number = _INTEGER.match(text) or _BASED.match(text) or _FLOAT.match(text)
    if number is None:
        return text
    if len(text.lstrip("+-")) > MAX_DIGITS:
        raise TooManyDigits(f"a number of {len(text)} digits")
    if _INTEGER.match(text):
        return int(text)
    if text[:2] in ("0o", "0x"):
        return require_few_digits(int(text[2:], 8 if text[1] == "o" else 16))
    return float(text)


def require_few_digits(number: int) -> int:
    """The number.

    Raises:
        TooManyDigits: it has more than ``MAX_DIGITS`` decimal digits; Python itself refuses to
            show one of more than 4,300.
    """
    if -_LIMIT < number < _LIMIT:
        return number
    raise TooManyDigits(f"a number of more than {MAX_DIGITS} digits")
