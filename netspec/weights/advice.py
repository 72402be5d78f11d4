"""The weights argument that loads a file whose names are not the model's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from netspec.weights.argument import Weights
from netspec.weights.matching import is_like, patterns_of, renamed

Shape = tuple[int, ...]
#: The names by which torch's wrappers hold the module that they wrap.
WRAPPERS = ("module", "_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module")
MOST_KEYS = 300  # of a model, by which prefixes are looked for
MOST_NAMES = 20_000  # of a file
MOST_PARTS = 40  # of a name between its dots
MOST_PREFIXES = 50  # before one end of a name
MOST_TRIED = 4
MOST_PATTERNS = 12  # in an argument that somebody is to read


class Advice(NamedTuple):
    """``why`` says how the names differ; ``loaded`` is how many of the model's the file fills."""

    weights: Weights
    why: str
    loaded: int


class _Way(NamedTuple):
    """Regular expressions that names are renamed by, and how the names differ then."""

    rename: tuple[tuple[str, str], ...] = ()
    why: tuple[str, ...] = ()


def advise(
    weights: Weights,
    names: Mapping[str, Shape | None],
    keys: Mapping[str, Shape],
    *,
    others: Collection[str],
    sources: Mapping[str, str],
    optional: Collection[str],
) -> Advice | None:
    """The argument that fills most of a model, and leaves fresh what it cannot fill.

    Args:
        names: the shapes in the file by the names that ``weights`` renames them to; None is no
            tensor.
        others: the other names of the file, which ``weights`` leaves there.
        keys: the shapes of the model.
        sources: the keys that are tied, with the one that they are tied to.
        optional: keys that no file needs to have.
    """
    names = dict(islice(names.items(), MOST_NAMES))
    best: tuple[int, int] | None = None
    chosen: tuple[_Way, dict[str, str]] | None = None
    for way in _ways(names, keys):
        filled = _filled(way, names, keys)
        if filled is None:
            continue
        score = (len(filled), -len(way.rename))
        if best is None or score > best:
            best, chosen = score, (way, filled)
    if chosen is None or 2 * len(chosen[1]) < min(len(keys), len(names)) or not chosen[1]:
        return None
    way, filled = chosen
    sourced = {sources.get(key, key) for key in filled}
    missing = [
        key
        for key in keys
        if key not in optional and key not in filled and sources.get(key, key) not in sourced
    ]
    known = [key for key in keys if key not in set(missing)]
    fresh = patterns_of(missing, known)
    fresh = tuple(dict.fromkeys((*weights.fresh, *fresh)))
    unused = [renamed(name, way.rename) for name in (*names, *others)]
    over = [name for name in unused if name not in filled and not is_like(name, fresh)]
    only = patterns_of(filled, over) if over else ()
    if len(only) + len(fresh) > MOST_PATTERNS:
        return None
    rename = (*weights.rename, *way.rename)
    advised = replace(weights, rename=rename, only=only, fresh=fresh)
    return None if advised == weights else Advice(advised, " and ".join(way.why), len(filled))


def _ways(names: Mapping[str, Shape | None], keys: Mapping[str, Shape]) -> Iterator[_Way]:
    """The names as they are, without a prefix, without a wrapper's words, with another prefix.

    Of ways that fill as much, the first is advised.
    """
    yield _Way()
    changed = list(_prefixes(_Way(), names, keys))
    yield from (way for way in changed if not way.rename[-1][1])
    theirs = {part for name in names for part in name.split(".")}
    ours = {part for key in keys for part in key.split(".")}
    words = [word for word in WRAPPERS if word in theirs - ours]
    if words:
        bare = _Way(
            tuple([(rf"\b{word}\.", "") for word in words]),
            tuple([f"the file's names have `{word}.` in them" for word in words]),
        )
        yield bare
        cleaned = {renamed(name, bare.rename): shape for name, shape in names.items()}
        yield from _prefixes(bare, cleaned, keys)
    yield from (way for way in changed if way.rename[-1][1])


def _prefixes(
    way: _Way, names: Mapping[str, Shape | None], keys: Mapping[str, Shape]
) -> Iterator[_Way]:
    """The prefixes that differ before the same ends of names, the most frequent first."""
    step = max(1, len(keys) // MOST_KEYS)
    ends: dict[tuple[str, Shape], list[str]] = {}
    for key in islice(keys, 0, None, step):
        for prefix, end in _split(key):
            ends.setdefault((end, keys[key]), []).append(prefix)
    found: Counter[tuple[str, str]] = Counter()
    for name, shape in names.items():
        if shape is None:
            continue
        for theirs, end in _split(name):
            # The same last name alone (`weight`) says nothing.
            if "." in end or end in keys or end == name:
                for ours in ends.get((end, shape), ())[:MOST_PREFIXES]:
                    if theirs != ours:
                        found[theirs, ours] += 1
    order = sorted(found, key=lambda pair: (-found[pair], len(pair[0]) + len(pair[1]), pair))
    for theirs, ours in order[:MOST_TRIED]:
        changed = (f"^{re.escape(theirs)}", ours.replace("\\", "\\\\"))
        if not ours:
            why = f"the file's names begin with `{theirs}`"
        elif not theirs:
            why = f"the model's names begin with `{ours}`, which the file's lack"
        else:
            why = f"the file's names begin with `{theirs}`, the model's with `{ours}`"
        yield _Way((*way.rename, changed), (*way.why, why))


def _split(name: str) -> Iterator[tuple[str, str]]:
    """Every way to cut a name into a prefix that ends with a dot, and the rest."""
    if name.count(".") > MOST_PARTS:
        return
    yield "", name
    for dot in re.finditer(r"\.", name):
        yield name[: dot.end()], name[dot.end() :]


def _filled(
    way: _Way, names: Mapping[str, Shape | None], keys: Mapping[str, Shape]
) -> dict[str, str] | None:
    """The names in the file by the keys that they fill; None where two become one."""
    found: dict[str, str] = {}
    for name, shape in names.items():
        new = renamed(name, way.rename)
        if shape is not None and keys.get(new) == shape:
            if new in found:
                return None
            found[new] = name
    return found
