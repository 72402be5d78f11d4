"""Marks of arguments that have another name than before, or shall not be used any more."""

from __future__ import annotations

from typing import Any, NamedTuple


class Was(NamedTuple):
    """Marks an argument with its former name: ``Annotated[int, Was("hidden")]``."""

    name: str


class Deprecated(NamedTuple):
    """Marks an argument that will be removed: ``Annotated[int, Deprecated("use stride")]``."""

    reason: str


def former_names(annotation: Any) -> tuple[str, ...]:
    """The names of the marks ``Was`` of a type hint."""
    return tuple(note.name for note in _notes(annotation) if isinstance(note, Was))


def deprecation(annotation: Any) -> str:
    """The reason of the mark ``Deprecated`` of a type hint; empty without one."""
    return next((note.reason for note in _notes(annotation) if isinstance(note, Deprecated)), "")


def _notes(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__metadata__", ())
