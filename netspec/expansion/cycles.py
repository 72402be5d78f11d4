"""Cycles in what the items of a container take from each other with ``from``."""

from __future__ import annotations

from netspec.budget import spend
from netspec.expansion.composites import branches
from netspec.spec import Layers, Origin

MOST = 2_000  # items that are looked at for one cycle


class Reads:
    """What each named item of a container takes by name, as it is written."""

    def __init__(self, layers: Layers) -> None:
        self.takes: dict[str, tuple[str, ...]] = {}
        self._names: dict[int, str] = {}  # of the items, by the ids of their origins
        self._collect(layers)

    def _collect(self, layers: Layers) -> None:
        """Adds the items, those of composites' branches too."""
        for item in layers.items:
            if isinstance(item.name, str):
                written = item.keys.inputs if item.keys is not None else ()
                taken = [name.partition(".")[0] for name in written if isinstance(name, str)]
                self.takes[item.name] = tuple(taken)
                self._names[id(item.origin)] = item.name
            for branch in branches(item.part):
                self._collect(branch)

    def cycle(self, name: str, asking: Origin) -> list[str]:
        """The names from the asking item over ``name``, which it takes, back to itself.

        Nothing where there is no cycle.
        """
        own = self._names.get(id(asking))
        if own is None:
            return []
        taken_by = {name.partition(".")[0]: own}
        waiting = list(taken_by)
        for key in waiting:  # it grows
            spend(1)
            if key == own:
                return _ring(taken_by, own)
            for earlier in self.takes.get(key, ()):
                if earlier not in taken_by and len(waiting) < MOST:
                    taken_by[earlier] = key
                    waiting.append(earlier)
        return []


def _ring(taken_by: dict[str, str], own: str) -> list[str]:
    names = [own]
    while (key := taken_by[names[-1]]) != own:
        names.append(key)
    return [own, *reversed(names[1:]), own]
