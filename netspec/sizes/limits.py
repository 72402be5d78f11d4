"""How large a size may become: far beyond real models, and still quick to work with."""

from __future__ import annotations

MAX_DIVISOR = 2**31
MAX_TERMS = 2_000
MAX_COEFFICIENT = 2**128
MAX_DEGREE = 64
# Bounds for the work of one operation, which the limits on its result do not bound.
MAX_PRODUCTS = 40_000
MAX_FLOOR_DEPTH = 40
MAX_FLOOR_WEIGHT = 500
MAX_STEPS = 10_000  # of a long division
MAX_POINTS = 20_000  # of a proof, and of the search for a counterexample
MAX_WORK = 1_000_000  # atoms that the points of one decision evaluate


class SizeLimit(ValueError):
    """A size became too large an expression to be one of a real model."""
