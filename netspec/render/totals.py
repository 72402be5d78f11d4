"""Totals that may be too large an expression to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from netspec.sizes import SizeLimit

T = TypeVar("T")


def unless_beyond_limits(total: Callable[[], T]) -> T | None:
    """The total; None where it is a sum of more different terms than an expression may have.

    Thousands of layers, each with strides of its own, make such a sum; all else is known of them.
    """
    try:
        return total()
    except SizeLimit:
        return None
