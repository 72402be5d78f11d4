"""The README's snippets are run: YAML is checked, Python executed, commands compared.

``NETSPEC_UPDATE=1 pytest tests/test_readme.py`` writes what the commands print into the README.
"""

import ast
import contextlib
import io
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(language: str) -> list[str]:
    return [text for kind, text in FENCE.findall(README.read_text("utf-8")) if kind == language]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the README's YAML files and `specs`, as the current one."""
    path = tmp_path_factory.mktemp("readme")
    (path / "specs").symlink_to(ROOT / "specs")
    for text in snippets("yaml"):
        name = text.partition("\n")[0].removeprefix("# ")
        assert name.endswith(".yaml"), "a YAML snippet begins with its file's name"
        (path / name).write_text(text, "utf-8")
    before = Path.cwd()
    os.chdir(path)
    yield path
    os.chdir(before)


def run(command: str) -> str:
    """What a command prints, on both streams, where `netspec` is the installed one."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment)
    return done.stdout + done.stderr


def test_every_snippet_is_of_a_kind_that_is_run() -> None:
    kinds = {kind for kind, _ in FENCE.findall(README.read_text("utf-8"))}
    assert kinds <= {"yaml", "python", "console", "sh", "toml"}
    assert snippets("yaml")
    assert snippets("python")


def test_commands_print_what_the_readme_says(folder: Path) -> None:
    def with_output(match: re.Match[str]) -> str:
        kind, text = match.groups()
        if kind != "console":
            return match.group()
        commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
        return "```console\n" + "".join(f"$ {c}\n{run(c)}" for c in commands) + "```"

    written = README.read_text("utf-8")
    actual = FENCE.sub(with_output, written)
    if os.environ.get("NETSPEC_UPDATE"):
        README.write_text(actual, "utf-8")
    else:
        assert actual == written


def test_python_runs_and_prints_what_its_comments_say(folder: Path) -> None:
    """``print(x)  # -> text`` prints the text; ``...`` at its end stands for more."""
    names: dict[str, object] = {}
    for number, text in enumerate(snippets("python")):
        lines = text.splitlines()
        for statement in ast.parse(text).body:
            printed = io.StringIO()
            code = compile(ast.Module([statement], []), f"README snippet {number}", "exec")
            with contextlib.redirect_stdout(printed):
                exec(code, names)
            assert statement.end_lineno is not None
            expected = lines[statement.end_lineno - 1].partition("# -> ")[2]
            if expected.endswith("..."):
                assert printed.getvalue().startswith(expected.removesuffix("...").strip())
            elif expected:
                assert printed.getvalue().strip() == expected


def test_make_knows_the_commands_of_the_readme() -> None:
    for text in snippets("sh"):
        for line in text.splitlines():
            command = line.partition("#")[0].strip()
            if command.startswith("make "):
                done = subprocess.run(
                    [*command.split(), "-n"], cwd=ROOT, capture_output=True, text=True
                )
                assert done.returncode == 0, done.stderr
            else:
                assert command.startswith("pip install -e ")


def test_the_extras_that_are_named_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extras in re.findall(r"\[([\w,]+)\]'", README.read_text("utf-8")):
        assert set(extras.split(",")) <= set(project["optional-dependencies"])


def test_the_entry_point_is_that_of_the_plugin() -> None:
    shown = tomllib.loads(snippets("toml")[0])
    plugin = tomllib.loads((ROOT / "plugins/netspec-transformer/pyproject.toml").read_text("utf-8"))
    assert shown["project"]["entry-points"] == plugin["project"]["entry-points"]
