"""Named sizes."""

from __future__ import annotations

from netspec.sizes.record import Record


class Symbol(Record):
    """A named size that is not known yet: a multiple of ``multiple_of`` in minimum..maximum.

    In an expression it stands for ``name / multiple_of``, a whole number; `symbol` gives
    the expression of the size itself. ``declared`` tells that a user stated the minimum.
    """

    __match_args__ = ("name", "minimum", "maximum", "multiple_of", "declared")
    __slots__ = __match_args__
    name: str
    minimum: int
    maximum: int | None
    multiple_of: int
    declared: bool

    def __init__(
        self,
        name: str,
        minimum: int = 0,
        maximum: int | None = None,
        multiple_of: int = 1,
        declared: bool = False,
    ) -> None:
        if minimum < 0:
            raise ValueError(f"the minimum of {name} is {minimum}; a size is at least 0")
        if multiple_of < 1:
            raise ValueError(f"{name} cannot be a multiple of {multiple_of}; give 1 or more")
        self._fill(name, minimum, maximum, multiple_of, declared)
        if self.highest is not None and self.highest < self.lowest:
            raise ValueError(
                f"no multiple of {multiple_of} from {minimum} to {maximum} is left for {name}"
            )

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def lowest(self) -> int:
        """The smallest legal value, divided by ``multiple_of``."""
        return -(-self.minimum // self.multiple_of)

    @property
    def highest(self) -> int | None:
        """The largest legal value, divided by ``multiple_of``; None when there is none."""
        return None if self.maximum is None else self.maximum // self.multiple_of
