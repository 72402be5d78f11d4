"""A check in a fresh process where all first-party plugins are installed, and where none is.

The spec uses none of their layers, so that they should cost nothing. Both environments are real:
netspec, and in one of them the packages of ``plugins/``, are installed by pip into a fresh venv,
which sees everything else that is installed here.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from bench.measure import Line, compare
from bench.texts import SEED_SPEC

ROOT = Path(__file__).parents[1]
AIM = 1.1


def lines(rounds: int) -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        others = Path(folder) / "others"
        _link_others(others)
        plugins = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
        with_plugins = _environment(Path(folder) / "all", others, [ROOT, *plugins])
        without = _environment(Path(folder) / "none", others, [ROOT])
        known = f"{len(plugins)} plugins, against none"
        return [
            compare(
                f"netspec check, cold, with {known}{unit}",
                lambda: _check(with_plugins),
                lambda: _check(without),
                AIM,
                max(rounds, 3),
                clock=clock,
            )
            for unit, clock in (("", None), (" (cpu)", _user_seconds))
        ]


def _link_others(folder: Path) -> None:
    """What is installed here, but for netspec and its plugins."""
    folder.mkdir()
    for site in map(Path, sys.path):
        for path in site.iterdir() if site.name == "site-packages" else ():
            is_ours = "netspec" in path.name or path.suffix == ".pth"
            if not is_ours and not (folder / path.name).exists():
                (folder / path.name).symlink_to(path)


def _environment(folder: Path, others: Path, packages: list[Path]) -> Path:
    """The Python of a new venv with these packages."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "lib" / version / "site-packages" / "others.pth").write_text(f"{others}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    alone = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, *alone, *map(str, packages)], check=True)
    return python


def _check(python: Path) -> None:
    command = (str(python), "-m", "netspec", "check", str(SEED_SPEC.resolve()))
    usual = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "NETSPEC"))
    }
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=usual, cwd=python.parent)


def _user_seconds() -> float:
    """What all processes have computed that this one started, whatever else runs beside them."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
