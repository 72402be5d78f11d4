"""docs/plugins.md is followed in a fresh environment, from its first command to its last.

``NETSPEC_UPDATE=1 pytest tests/wheels/test_plugins_page.py`` writes what the commands print.
"""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.wheels.environment import ROOT, Environment, finished

PAGE = ROOT / "docs" / "plugins.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w/]+\.\w+)\n")

#: Runs Python as the tests of the README do: what is printed is what the comment says.
PYTHON = """
import ast, contextlib, io, json, sys
text = sys.argv[1]
names, wrong, lines = {}, [], text.splitlines()
for statement in ast.parse(text).body:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module([statement], []), "page", "exec"), names)
    expected = lines[statement.end_lineno - 1].partition("# -> ")[2]
    if printed.getvalue().strip() != expected:
        wrong.append([expected, printed.getvalue()])
json.dump(wrong, sys.stdout)
"""


#: A reader's tests draw hypothesis' 100 examples for each law; a tenth shows that they run.
FEW_EXAMPLES = """
from hypothesis import settings
settings.register_profile("few", max_examples=10)
settings.load_profile("few")
"""


class Reader:
    """Who follows the page: writes its files and types its commands."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.settings = folder.parent / "settings"
        self.settings.mkdir()
        (self.settings / "few_examples.py").write_text(FEW_EXAMPLES, "utf-8")

    def file(self, name: str, text: str) -> None:
        """A new file; or a part of one that is there."""
        path = self.folder / name
        if path.exists():
            assert text in path.read_text("utf-8"), f"{name} has not what the page says"
        else:
            path.write_text(text, "utf-8")

    def command(self, command: str) -> str:
        """What it prints, on both streams."""
        first, _, rest = command.partition(" ")
        if first == "cd":
            self.folder = (self.folder / rest).resolve()
            return ""
        path = f"{self.environment.scripts}{os.pathsep}{os.environ['PATH']}"
        done = finished(
            ["bash", "-c", f"{command} 2>&1"],
            self.folder,
            None,
            PATH=path,
            PYTHONPATH=str(self.settings),
            PYTEST_ADDOPTS="-p few_examples",
        )
        assert "Traceback" not in done.stdout, done.stdout
        return re.sub(r"passed in [\d.]+s.*", "passed in 20s", done.stdout)

    def console(self, text: str) -> str:
        commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
        return "".join(f"$ {command}\n{self.command(command)}" for command in commands)


def test_the_page_can_be_followed(fresh: Environment, folder: Path) -> None:
    reader = Reader(fresh, folder / "page")
    reader.folder.mkdir()
    written = PAGE.read_text("utf-8")
    python = ""

    def followed(match: re.Match[str]) -> str:
        nonlocal python
        kind, text = match.groups()
        named = FILE.match(text)
        if kind == "console":
            return f"```console\n{reader.console(text)}```"
        if named:
            reader.file(named[1], text[named.end() :])
        elif kind == "python":
            python += text
        else:
            assert kind == "sh"  # what needs an account
            assert text.startswith("python -m twine upload ")
        return match.group()

    actual = FENCE.sub(followed, written)
    if os.environ.get("NETSPEC_UPDATE"):
        PAGE.write_text(actual, "utf-8")
    else:
        assert actual == written
    assert json.loads(fresh.run("-c", PYTHON, python)) == []
    (wheel,) = (reader.folder / "netspec-mylayers" / "dist").glob("*.whl")
    installed = fresh.run("-c", "import netspec_mylayers; print(netspec_mylayers.__file__)")
    assert Path(installed.strip()).is_relative_to(fresh.site)
    assert wheel.name == "netspec_mylayers-0.1.0-py3-none-any.whl"


@pytest.mark.parametrize("name", ["netspec-tidy", "no-prefix-and-a-rather-long-name"])
def test_what_is_written_is_in_style_and_typed(name: str, fresh: Environment) -> None:
    folder = fresh.cwd / "style"
    folder.mkdir(exist_ok=True)
    fresh.netspec("new-plugin", name, "--directory", folder)
    project, module = folder / name, name.replace("-", "_")
    finished([sys.executable, "-m", "ruff", "check", "."], project)
    finished([sys.executable, "-m", "ruff", "format", "--check", "."], project)
    if module.startswith("netspec_"):
        # With the settings of this repository, whose cache knows torch's types already.
        settings = [
            f"--config-file={ROOT / 'pyproject.toml'}",
            f"--cache-dir={ROOT / '.mypy_cache'}",
        ]
        strict = [sys.executable, "-m", "mypy", *settings, module, "tests"]
        done = finished(strict, project, MYPYPATH=str(ROOT))
        assert "Success" in done.stdout
