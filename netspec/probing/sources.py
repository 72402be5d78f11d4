"""Fingerprints of the code that a probed answer depends on: source files and installed versions."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType

MOST_FILES = 5_000  # of a package; the answers of a larger one are not stored
MOST_MODULES = 2_000
_SUFFIXES = (".py", ".so", ".pyd")
_INSTALLED = frozenset({"site-packages", "dist-packages"})
#: torch's and netspec's own versions are part of every question.
_NEVER = frozenset({"torch", "netspec", "builtins"}) | sys.stdlib_module_names - {"__main__"}

Files = tuple[tuple[str, int, int], ...]


def installed_versions() -> str:
    """Hash the names and versions of all installed distributions, from their metadata folders."""
    found: set[str] = set()
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        found.update(name for name in names if name.endswith((".dist-info", ".egg-info")))
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


def fingerprints(classes: Iterable[type]) -> Mapping[str, str] | None:
    """Hash the packages that define classes, and the local ones that those packages use.

    An installed package that is only used is known by its version. None where one of the packages
    has no files, or more than ``MOST_FILES``.
    """
    modules = {cls.__module__ for cls in classes}
    packages = {_package(name) for name in modules} | _local(modules)
    found = {name: fingerprint(name) for name in sorted(packages - _NEVER)}
    known = {name: one for name, one in found.items() if one is not None}
    return known if known and len(known) == len(found) else None


def fingerprint(package: str) -> str | None:
    """Hash the source files of a loaded package or module; nothing is imported."""
    module = sys.modules.get(package)
    if module is None:
        return None
    try:
        return _hashed(_files(module))
    except (OSError, ValueError, TypeError):
        return None


def _local(modules: Iterable[str]) -> set[str]:
    """Packages outside of site-packages that modules use, over any number of imports."""
    waiting, seen = list(modules), set(modules)
    while waiting:
        for name in _used(sys.modules.get(waiting.pop())):
            if name not in seen and len(seen) < MOST_MODULES and _is_local(name):
                seen.add(name)
                waiting.append(name)
    return {_package(name) for name in seen if _is_local(name)}


def _used(module: ModuleType | None) -> Iterator[str]:
    """The modules whose names, functions or classes a module has."""
    for value in list(vars(module).values()) if module is not None else ():
        if isinstance(value, ModuleType):
            yield value.__name__
        elif isinstance(value, type | FunctionType):
            yield value.__module__


def _is_local(name: str) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    if not isinstance(file, str) or _package(name) in _NEVER:
        return False
    return _INSTALLED.isdisjoint(Path(file).parts)


def _package(name: str) -> str:
    return name.partition(".")[0]


def _files(module: ModuleType) -> Files:
    """
    Raises:
        ValueError: there are none, or too many.
        OSError: one of them cannot be read.
    """
    found: list[tuple[str, int, int]] = []
    for path in _paths(module):
        stat = os.stat(path)
        found.append((path, stat.st_size, stat.st_mtime_ns))
        if len(found) > MOST_FILES:
            raise ValueError("too many files")
    if not found:
        raise ValueError("no files")
    return tuple(sorted(found))


def _paths(module: ModuleType) -> Iterator[str]:
    folders = getattr(module, "__path__", None)
    if folders is None:
        if module.__file__ is not None:
            yield module.__file__
        return
    for top in folders:
        for folder, below, names in os.walk(top):
            below[:] = [name for name in below if name.isidentifier() and name != "__pycache__"]
            yield from (os.path.join(folder, name) for name in names if name.endswith(_SUFFIXES))


@lru_cache(maxsize=64)
def _hashed(files: Files) -> str:
    """Hash contents; compiled files by their sizes and times, as they are large."""
    total = hashlib.sha256()
    for path, size, changed in files:
        total.update(f"{path}\0{size}\0".encode("utf-8", "surrogateescape"))
        is_source = path.endswith(".py")
        total.update(Path(path).read_bytes() if is_source else str(changed).encode())
    return total.hexdigest()
