"""What was probed, kept on disk: one JSON file for each class, arguments and input shapes.

A file is used as long as the packages that it names have the same source files, and the same
versions of packages are installed. Whatever is wrong with a file or the folder, the module is
probed as if there were none.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch

from netspec.files import written_whole
from netspec.probing.probe import Probed
from netspec.probing.question import Question
from netspec.probing.run import Runner
from netspec.probing.sources import fingerprint, fingerprints, installed_versions
from netspec.probing.stored import Unusable, read, written
from netspec.version import __version__

VARIABLE = "NETSPEC_CACHE"
OFF = frozenset({"", "off", "0", "no", "false"})
MOST_BYTES = 1_000_000


def cache_folder() -> Path | None:
    """Where it is: ``NETSPEC_CACHE``, else the platform's folder; None where it is switched off."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return None if chosen.strip().lower() in OFF else Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(
            os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local", "netspec", "Cache"
        )
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "netspec"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache", "netspec")


def kept(asked: Question, package: str) -> Probed | None:
    """What an earlier probe of the same question found; None where there is none to trust."""
    file = _file(asked, package)
    if file is None:
        return None
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            return None
        values = json.loads(data)
        if values["question"] != _question(asked, package):
            return None
        sources = values["sources"]
        if not sources or any(fingerprint(name) != known for name, known in sources.items()):
            return None
        return read(values["probed"], len(asked.variables), len(asked.inputs))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, Unusable):
        return None


def keep(asked: Question, package: str, probed: Probed, runner: Runner) -> None:
    """Writes a file, whole or not at all; a folder that cannot be written to is no mistake."""
    file = _file(asked, package)
    sources = fingerprints(_classes(runner)) if file is not None else None
    if file is None or sources is None:
        return
    values = {
        "question": _question(asked, package),
        "sources": sources,
        "probed": written(probed),
    }
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with written_whole(file) as unfinished:
            unfinished.write_text(json.dumps(values), "utf-8")
    except (OSError, ValueError, TypeError):
        return


def _file(asked: Question, package: str) -> Path | None:
    folder = cache_folder()
    if folder is None:
        return None
    text = json.dumps(_question(asked, package), sort_keys=True)
    return folder / "probed" / f"{hashlib.sha256(text.encode()).hexdigest()}.json"


def _question(asked: Question, package: str) -> Any:
    """Everything that an answer depends on, but for the sources."""
    return {
        "netspec": [__version__, _own_sources()],
        "torch": str(torch.__version__),
        "installed": installed_versions(),
        "package": package,
        "class": asked.layer.target,
        "defaults": [[name, repr(value)] for name, value in asked.layer.own_defaults],
        "arguments": [[name, repr(value)] for name, value in asked.arguments],
        "inputs": [[[str(size) for size in type.shape], type.dtype] for type in asked.inputs],
        "variables": [[one.least, one.most, one.is_batch] for one in asked.variables],
        "keywords": list(asked.keywords),
    }


@cache
def _own_sources() -> str:
    """What this room's files hold, as a hash: another netspec may probe in another way."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _classes(runner: Runner) -> set[type]:
    """The classes that the module is made of, with their bases, but for torch's own."""
    classes = {cls for part in runner.module.modules() for cls in type(part).__mro__}
    return {cls for cls in classes if cls.__module__.partition(".")[0] not in ("torch", "builtins")}
