"""docs/hooks.md: each example is installed as it stands there, and its commands are run.

``NETSPEC_UPDATE=1`` writes what they print into the page; read its diff.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from netspec.registry import hookspecs

ROOT = Path(__file__).parents[1]
PATH = ROOT / "docs" / "hooks.md"
PAGE = PATH.read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (netspec_\w+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
HOOKS = [name for name, _ in inspect.getmembers(hookspecs) if name.startswith("netspec_")]
PLUGINS = ROOT / "plugins"


def test_every_hook_is_on_the_page_and_no_other() -> None:
    assert sorted(SECTIONS) == sorted(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_used_by_a_package(hook: str) -> None:
    implementation = re.compile(rf"^@hookimpl\ndef {hook}\(", re.M)
    files = PLUGINS.glob("*/netspec_*/*.py")
    assert any(implementation.search(file.read_text("utf-8")) for file in files)


@pytest.mark.parametrize("hook", HOOKS)
def test_an_example_does_what_it_says(hook: str, tmp_path: Path) -> None:
    section = SECTIONS[hook]
    install(section, tmp_path)
    (console,) = re.findall(r"^```console\n(.*?)^```$", section, re.M | re.S)
    commands = re.findall(r"^\$ (.*)$", console, re.M)
    assert f"def {hook}(" in (tmp_path / "netspec_mine.py").read_text("utf-8")
    printed = "".join(f"$ {line}\n{run(line, tmp_path)}" for line in commands)
    if os.environ.get("NETSPEC_UPDATE"):
        page = PATH.read_text("utf-8")
        changed = section.replace(console, printed)
        PATH.write_text(page.replace(section, changed), "utf-8")
    else:
        assert printed == console


def install(section: str, folder: Path) -> None:
    """Writes the files of a section, and the metadata of a package that has its entry points."""
    stated = tomllib.loads('[project.entry-points.netspec]\nmine = "netspec_mine"\n')
    groups = dict(stated["project"]["entry-points"])
    for language, text in re.findall(r"^```(python|yaml|toml)\n(.*?)^```$", section, re.M | re.S):
        if language == "toml":
            groups |= tomllib.loads(text)["project"]["entry-points"]
        else:
            first, _, rest = text.partition("\n")
            assert first.startswith("# ")
            (folder / first[2:]).write_text(rest, "utf-8")
    info = folder / "netspec_mine-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: netspec-mine\nVersion: 0.1\n")
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
        for group, entries in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


def run(line: str, folder: Path) -> str:
    """What a command prints, without the path of this machine."""
    program, _, rest = line.partition(" ")
    start = {"netspec": ["-m", "netspec"], "python": []}
    command = ["cat"] if program == "cat" else [sys.executable, *start[program]]
    done = subprocess.run(
        [*command, *rest.split()],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
            "NETSPEC_PLUGINS": "mine",
            "COLUMNS": "80",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout
    return done.stdout.replace(f"{folder}{os.sep}", "")
