"""docs/memory.md: its commands are run and compared, its Python is executed.

``NETSPEC_UPDATE=1 pytest tests/test_memory_page.py`` writes what the commands print into the page.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import netspec

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "memory.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's YAML files and `specs`, as the current one."""
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    (tmp_path / "mlp.yaml").symlink_to(ROOT / "specs" / "fashion_mnist_mlp.yaml")
    for kind, text in FENCE.findall(PAGE.read_text("utf-8")):
        if kind == "yaml":
            (tmp_path / text.partition("\n")[0].removeprefix("# ")).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(command: str) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment)
    return done.stdout + done.stderr


def test_commands_print_what_the_page_says(folder: Path) -> None:
    def with_output(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match.group()
        commands = [line[2:] for line in match[2].splitlines() if line.startswith("$ ")]
        return "```console\n" + "".join(f"$ {c}\n{printed(c)}" for c in commands) + "```"

    page = PAGE.read_text("utf-8")
    actual = FENCE.sub(with_output, page)
    if os.environ.get("NETSPEC_UPDATE"):
        PAGE.write_text(actual, "utf-8")
    else:
        assert actual == page


def test_the_page_s_python_and_placements_are_right(folder: Path) -> None:
    names: dict[str, object] = {"netspec": netspec}
    for kind, text in FENCE.findall(PAGE.read_text("utf-8")):
        if kind == "python":
            exec(text, names)
    for name in ("two_devices.yaml", "mixed.yaml"):
        netspec.build("mlp.yaml", placement=name, device="cpu")
