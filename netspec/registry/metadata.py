"""What the metadata of installed packages say, read from their files.

``importlib.metadata`` does the same in a hundred times the time, and every check would wait for it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from netspec.diagnostics.failure import failure


class Package(NamedTuple):
    """A package with a plugin: what its metadata say."""

    name: str
    version: str
    requires: tuple[str, ...]
    entry_points: Mapping[str, Mapping[str, str]]


class Broken(NamedTuple):
    """A package whose metadata cannot be read."""

    package: str
    problem: str


class _Files(NamedTuple):
    """The files of one package's metadata, with the name and version that the folder has."""

    folder: str
    entry_points: bytes
    metadata: bytes


def packages_with(group: str) -> tuple[tuple[Package, ...], tuple[Broken, ...]]:
    """The packages on ``sys.path`` with entry points of a group, and those that cannot be read.

    Of several with one name the first is what is imported.

    Raises:
        Exception: an archive cannot be read.
    """
    found: dict[str, Package] = {}
    broken = []
    for files in _all(f"[{group}]".encode()):
        try:
            package = _package(files)
        except ValueError as problem:  # of text that is none, too
            broken.append(Broken(files.folder.partition("-")[0], failure(problem)))
        else:
            found.setdefault(re.sub(r"[-_.]+", "-", package.name).lower(), package)
    return tuple(found.values()), tuple(sorted(broken))


def _all(section: bytes) -> Iterator[_Files]:
    """Of those packages whose entry points have a section; most packages' need not be parsed."""
    for folder in dict.fromkeys(sys.path):
        if os.path.isfile(folder):
            yield from _in_archive(folder, section)
            continue
        try:
            names = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                path = os.path.join(folder, name)
                entry_points = _bytes(path, "entry_points.txt")
                if section in entry_points:
                    metadata = _bytes(path, "METADATA") or _bytes(path, "PKG-INFO")
                    yield _Files(name.rpartition(".")[0], entry_points, metadata)


def _in_archive(file: str, section: bytes) -> Iterator[_Files]:
    """
    Raises:
        Exception: it is no archive, or broken.
    """
    from importlib.metadata import distributions

    for one in distributions(path=[file]):
        entry_points = (one.read_text("entry_points.txt") or "").encode()
        if section in entry_points:
            metadata = (one.read_text("METADATA") or one.read_text("PKG-INFO") or "").encode()
            yield _Files(f"{one.name}-{one.version}", entry_points, metadata)


def _bytes(folder: str, name: str) -> bytes:
    """What a file of metadata holds; nothing where there is none."""
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    except OSError:
        return b""


def _package(files: _Files) -> Package:
    """https://packaging.python.org/en/latest/specifications/core-metadata/

    Raises:
        ValueError: a file is not UTF-8, a line is none of an entry point, or there is no name.
    """
    entry_points = _sections(files.entry_points.decode())
    head, _, _ = files.metadata.decode().replace("\r\n", "\n").partition("\n\n")
    fields = [line.partition(":") for line in head.splitlines()]
    values = [(field.strip().lower(), value.strip()) for field, _, value in fields]
    known = dict(reversed(values))
    if not known.get("name"):
        raise ValueError("its METADATA has no Name")
    requires = tuple(value for field, value in values if field == "requires-dist")
    return Package(known["name"], known.get("version", ""), requires, entry_points)


def _sections(text: str) -> dict[str, dict[str, str]]:
    """https://packaging.python.org/en/latest/specifications/entry-points/

    Raises:
        ValueError: a line is no ``name = target``.
    """
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = found.setdefault(line[1:-1].strip(), {})
        elif line and not line.startswith(("#", ";")):
            name, equals, target = line.partition("=")
            if not equals:
                raise ValueError(f"{line[:60]!r} in its entry_points.txt is no entry point")
            section[name.strip()] = target.partition("[")[0].strip()  # extras are of no use here
    return found
