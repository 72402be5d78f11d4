"""What plugins bring by name: by a short name where it is unambiguous, and by a full one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from netspec.registry.plugin import Plugin

T = TypeVar("T")


class Brought(NamedTuple, Generic[T]):
    """A thing, its short name, and the plugin that brought it."""

    name: str
    value: T
    plugin: Plugin

    @property
    def full_name(self) -> str:
        """``tools.mlp_block``: it stays this one's, whatever else is installed."""
        return f"{self.plugin.name}.{self.name}"


class Table(Generic[T]):
    """Things of one kind."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[Brought[T]]] = {}
        self._all: list[Brought[T]] = []

    def add(self, one: Brought[T]) -> None:
        self._all.append(one)
        for name in (one.name, one.full_name):
            self._by_name.setdefault(name, []).append(one)

    def candidates(self, name: str) -> tuple[Brought[T], ...]:
        """What a name may mean: several where plugins have the same short one."""
        return tuple(self._by_name.get(name, ()))

    def all(self) -> dict[str, Brought[T]]:
        """Everything by its short name, by the full one where several have the same."""
        return {
            one.name if len(self._by_name[one.name]) == 1 else one.full_name: one
            for one in self._all
        }
