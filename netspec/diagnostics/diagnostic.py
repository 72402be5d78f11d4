"""One finding about a spec, and the list in which a stage collects them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from netspec.budget import FINDING, spend
from netspec.diagnostics.fix import Edit, Fix, Instead
from netspec.diagnostics.location import Location, Span

Severity = Literal["error", "warning"]
#: A line of help, with the edits that follow it where they are known.
Line = str | Fix | Instead
#: A line of help; a function is called for it only where the finding is new and shown.
Advice = Line | Callable[[], Line]

SHOWN = 4  # notes at each end of a long context


class Note(NamedTuple):
    """A remark that belongs to a diagnostic, with a place of its own where it has one."""

    message: str
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What is wrong, where, and what to write instead.

    ``code`` is stable (``unknown-layer``) and meant for programs; ``message`` is for people.
    ``help`` is printed; ``fixes`` are those lines of it that a program can apply to the text.
    ``str(diagnostic)`` is the whole text with the source line and its span underlined.
    """

    code: str
    message: str
    location: Location
    severity: Severity = "error"
    notes: tuple[Note, ...] = ()
    help: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()

    def __str__(self) -> str:
        from netspec.diagnostics.text import diagnostic_text

        return diagnostic_text(self)


class _Copied:
    """A finding in a copy: which it is, and in how many more copies it was met."""

    def __init__(self, copies: tuple[str, ...], place: int) -> None:
        self.copies = self.last = copies
        self.place = place
        self.more = 0


class Diagnostics:
    """Collects findings while a stage works, so that one run reports all of them."""

    # A file of a million wrong lines is told about by its first findings, in bounded memory.
    LIMIT = 100

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.left_out = 0
        self._failed = False  # also of an error that is not shown
        self._seen: set[tuple[str, int, int, int]] = set()
        #: Where what is being looked at is used from, the innermost last.
        self.context: list[tuple[str, Span | None]] = []
        #: The copies of written items that are being looked at, the innermost last.
        self._copies: list[str] = []
        self._in_copies: dict[tuple[str, int, int], _Copied] = {}

    @contextmanager
    def copy(self, name: str) -> Iterator[None]:
        """What is found now is in one of several copies of what was written once.

        A mistake that is in each of them is one finding, which says in how many it is.
        """
        self._copies.append(name)
        try:
            yield
        finally:
            self._copies.pop()

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        notes: Iterable[Note | str] = (),
        help: Iterable[Advice] = (),
    ) -> None:
        self._add(code, message, span, "error", notes, help)

    def warning(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        notes: Iterable[Note | str] = (),
        help: Iterable[Advice] = (),
    ) -> None:
        self._add(code, message, span, "warning", notes, help)

    def _add(
        self,
        code: str,
        message: str,
        span: Span,
        severity: Severity,
        notes: Iterable[Note | str],
        help: Iterable[Advice],
    ) -> None:
        spend(FINDING)
        if self._copies and self._is_known_copy(code, span):
            return
        # Messages are kept as their hashes: a spec may bring a hundred thousand different ones.
        key = (code, hash(message), span.start, span.end)
        if key in self._seen:
            return
        self._seen.add(key)
        self._failed = self._failed or severity == "error"
        if self.is_full:
            self.left_out += 1
            return
        whole = tuple(Note(note) if isinstance(note, str) else note for note in notes)
        whole += tuple(_shown(self.context[::-1]))
        location = span.locate()
        lines = [line() if callable(line) else line for line in help]
        fixes = [
            Fix(line.message, (Edit(location, line.text),), line.is_certain)
            if isinstance(line, Instead)
            else line
            for line in lines
            if not isinstance(line, str) and (location.line or isinstance(line, Fix))
        ]
        texts = [line if isinstance(line, str) else line.message for line in lines]
        if self._copies:
            first = _Copied(tuple(self._copies), len(self.found))
            self._in_copies.setdefault((code, span.start, span.end), first)
        self.found.append(
            Diagnostic(
                code, message, location, severity, whole, tuple(filter(None, texts)), tuple(fixes)
            )
        )

    def _is_known_copy(self, code: str, span: Span) -> bool:
        """Whether the same was found in another copy; it is counted there."""
        copies = tuple(self._copies)
        first = self._in_copies.get((code, span.start, span.end))
        if first is None or first.copies == copies:
            return False
        if first.last != copies:
            first.last = copies
            first.more += 1
        return True

    @property
    def is_full(self) -> bool:
        """Whether further findings are only counted, so that nobody need look for help."""
        return len(self.found) >= self.LIMIT

    @property
    def failed(self) -> bool:
        """Whether there is an error, shown or not."""
        return self._failed

    def all(self) -> list[Diagnostic]:
        """The findings in the order of the text; what went over the limit is counted last."""
        found = list(self.found)
        for one in self._in_copies.values():
            if one.more:
                note = Note(f"in {one.copies[-1]}, and {one.more:,} more")
                known = found[one.place]
                found[one.place] = replace(known, notes=(note, *known.notes))
        found = sorted(
            found, key=lambda d: (d.location.line or 0, d.location.column or 0)
        )  # stable: findings without a line keep their order
        if self.left_out:
            last = found[-1].location
            found.append(
                Diagnostic("too-many", f"{self.left_out} more findings are not shown", last)
            )
        return found


def _shown(context: list[tuple[str, Span | None]]) -> list[Note]:
    """The notes next to the finding and next to the root; of a deep nesting, not those between."""
    left_out = len(context) - 2 * SHOWN
    if left_out > 1:
        context = [*context[:SHOWN], (f"... {left_out} more ...", None), *context[-SHOWN:]]
    return [Note(message, None if span is None else span.locate()) for message, span in context]
