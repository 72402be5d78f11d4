"""What a plugin brings beside layers, asked for and looked through when it is registered."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from netspec.commands import COMMANDS
from netspec.declaration import Command, Exporter, InitialiserType, LayerType
from netspec.diagnostics.failure import failure, shown
from netspec.plugin_calls import Fault, call_plugin
from netspec.registry.installed import BLOCKS, EXPORTERS, INITIALISERS, STRATEGIES
from netspec.registry.installed import COMMANDS as COMMANDS_KIND
from netspec.spec.words import is_word_of_the_language

WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z", re.ASCII)

Named = tuple[str, Any]  # a thing with its name


def named(kind: str, given: Sequence[Any]) -> list[Named]:
    """What a plugin brings of a kind, by name.

    Raises:
        Fault: something is not what it should be, or its name is not; in words that go on with
            ``the plugin ...``.
    """

    def work() -> list[Named] | Fault:
        try:
            return list(_READERS[kind](given))
        except Fault as wrong:
            return wrong

    found = call_plugin(work, f"netspec_{kind} failed")
    if isinstance(found, Fault):
        raise found
    seen: set[str] = set()
    for name, _ in found:
        if name in seen:
            raise Fault(f"gives two {kind} called {name!r}")
        seen.add(name)
    return found


def _blocks(given: Sequence[Any]) -> Iterator[Named]:
    """
    Raises:
        Fault: a file is wrong, with its place.
    """
    from netspec.diagnostics import Diagnostics
    from netspec.source import read_bytes, read_text
    from netspec.spec import parse_blocks

    for file in given:
        found = Diagnostics()
        if isinstance(file, tuple) and len(file) == 2 and all(isinstance(t, str) for t in file):
            read = read_text(file[1], file[0], found)
        elif isinstance(file, os.PathLike) or hasattr(file, "read_bytes"):
            # A path, or what importlib.resources gives; its data are read by itself, also from zip.
            data = file.read_bytes() if hasattr(file, "read_bytes") else _data(file)
            read = read_bytes(data, str(file), found)
        else:
            raise Fault(f"gives {shown(file)} for a file of blocks: a path, or (name, text)")
        source, root = read
        blocks = () if root is None else parse_blocks(source, root, found)
        wrong = next((one for one in found.all() if one.severity == "error"), None)
        if wrong is not None:
            raise Fault(f"has a broken file of blocks: {wrong.location}: {wrong.message}")
        for block in blocks:
            _require_word("block", block.name)
            yield block.name, block


def _data(file: os.PathLike[str]) -> bytes:
    with open(file, "rb") as opened:
        return opened.read()


def _initialisers(given: Sequence[Any]) -> Iterator[Named]:
    for one in given:
        _require_type(one, InitialiserType, "an initialiser")
        _require_word("initialiser", one.name)
        _derive(one.declared)
        yield one.name, one


def _strategies(given: Sequence[Any]) -> Iterator[Named]:
    from netspec.placement.document import OWN_WORDS
    from netspec.placement.strategy import Strategy

    for one in given:
        _require_type(one, Strategy, "a strategy")
        _require_word("strategy", one.word)
        if one.word in OWN_WORDS:
            raise Fault(f"calls a strategy {one.word!r}, which is netspec's")
        if is_word_of_the_language(one.word):
            raise Fault(f"calls a strategy {one.word!r}, a word of the language")
        _derive(one.declared)
        yield one.word, one


def _exporters(given: Sequence[Any]) -> Iterator[Named]:
    for one in given:
        _require_type(one, Exporter, "an exporter")
        _require_word("exporter", one.name)
        if not re.fullmatch(r"\.[A-Za-z0-9_.-]+", str(one.suffix)):
            raise Fault(f"gives the exporter {one.name!r} the suffix {shown(one.suffix)}")
        if one.needs not in ("plan", "model"):
            raise Fault(f"gives the exporter {one.name!r} {shown(one.needs)}: plan or model")
        if not isinstance(one.target, str) or "." not in one.target:
            raise Fault(f"gives the exporter {one.name!r} no dotted path of a function")
        yield one.name, one


def _commands(given: Sequence[Any]) -> Iterator[Named]:
    for one in given:
        _require_type(one, Command, "a command")
        _require_word("command", one.name)
        if one.name in COMMANDS:
            raise Fault(f"calls a command {one.name!r}, which is netspec's")
        if not callable(one.add_arguments) or not callable(one.run):
            raise Fault(f"gives the command {one.name!r} what cannot be called")
        if not isinstance(one.summary, str) or not isinstance(one.examples, str):
            raise Fault(f"gives the command {one.name!r} a summary or examples that are no text")
        yield one.name, one


def _require_type(value: object, type_: type, what: str) -> None:
    if not isinstance(value, type_):
        raise Fault(f"gives {shown(value)}, which is not {what}")


def _require_word(what: str, name: object) -> None:
    if not isinstance(name, str) or not WORD.match(name):
        raise Fault(f"calls {_a(what)} {shown(name)}: a name has letters, digits, `_` and `-`")


def _a(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def _derive(declared: LayerType) -> None:
    """Reads a declaration whole: later it must not fail."""
    try:
        _ = declared.arguments, declared.further
    except Exception as problem:
        raise Fault(f"declares {declared.name!r} wrongly: {failure(problem)}") from problem


_READERS: Mapping[str, Callable[[Sequence[Any]], Iterator[Named]]] = {
    BLOCKS: _blocks,
    INITIALISERS: _initialisers,
    STRATEGIES: _strategies,
    EXPORTERS: _exporters,
    COMMANDS_KIND: _commands,
}
