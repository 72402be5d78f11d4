"""Commands and exporters of plugins, right and wrong ones, installed as pip does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import netspec

CODE = {
    "good": """
        import netspec
        from netspec.plugin import *

        def arguments(parser):
            parser.add_argument("--exit", type=int, default=0)

        def run(given):
            print("it runs")
            return given.exit

        def raises(given):
            raise LookupError("the moon is full")

        def wrong_spec(given):
            netspec.plan("wrong.yaml")

        def taken(parser):
            parser.add_argument("--plugin")

        def write(plan, path):
            print("begun")
            path.write_text(plan.name or "none")

        def half(plan, path):
            path.write_text("half")
            raise LookupError("the moon is full")

        def refused(plan, path):
            raise Refusal("too round", help="make it square")

        def nothing(plan, path):
            pass

        @hookimpl
        def netspec_commands():
            runs = {"fine": run, "raises": raises, "wrong": wrong_spec, "rubbish": lambda g: "x"}
            made = [Command(name, "100% fine", arguments, run) for name, run in runs.items()]
            return [*made, Command("taken", "", taken, run)]

        @hookimpl
        def netspec_exporters():
            functions = ("write", "half", "refused", "nothing", "missing")
            return [Exporter(n, f".{n}", f"netspec_good.{n}", "plan") for n in functions]
        """,
    "bad": """
        from netspec.plugin import *

        @hookimpl
        def netspec_commands():
            raise LookupError("no commands today")
        """,
    "same": """
        from netspec.plugin import *

        @hookimpl
        def netspec_commands():
            return [Command("fine", "", lambda parser: None, lambda given: 0)]
        """,
    "quiet": "raise AssertionError('imported')",
}
LISTED = {
    "good": {
        "commands": ["fine", "raises", "wrong", "rubbish", "taken"],
        "exporters": ["write", "half", "refused", "nothing", "missing"],
    },
    "bad": {"commands": ["worse"]},
    "same": {"commands": ["fine"], "hooks": ["netspec_lint"]},
    "quiet": {},  # it lists nothing, and so has no commands
}

RUN = """
import contextlib, io, json, sys
from netspec.cli.main import main

told = []
for line in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(line.split())
        except SystemExit as left:
            code = left.code
    told.append([code, out.getvalue(), err.getvalue(), "torch" in sys.modules])
print(json.dumps(told))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, code in CODE.items():
        (tmp_path / f"netspec_{name}.py").write_text(dedent(code), "utf-8")
        info = tmp_path / f"netspec_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: netspec-{name}\nVersion: 1.0")
        lines = [f"[netspec]\n{name} = netspec_{name}"]
        for group, names in LISTED[name].items():
            lines += [f"[netspec.{group}]", *(f"{one} = netspec_{name}:x" for one in names)]
        (info / "entry_points.txt").write_text("\n".join(lines))
    (tmp_path / "m.yaml").write_text("netspec: 1\nname: M\ninput: [N, 4]\nlayers: [relu]\n")
    (tmp_path / "wrong.yaml").write_text("netspec: 1\ninput: [N, 4]\nlayers: [rely]\n")
    return tmp_path


def run(site: Path, *lines: str, plugins: str = "good,bad,same,quiet") -> Any:
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(lines)],
        cwd=site,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(site), str(Path(netspec.__file__).parents[1])]),
            "NETSPEC_PLUGINS": plugins,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


GOOD = "the plugin 'good' of netspec-good 1.0"


def test_commands_of_plugins(site: Path) -> None:
    lines = ["fine --exit 1", "raises", "rubbish", "wrong", "fine --help", "taken", "fine"]
    fine, raises, rubbish, wrong, help, taken, after = run(site, *lines, plugins="good")
    assert fine[:3] == [1, "it runs\n", ""]
    message = "fails in `netspec raises`: LookupError: the moon is full"
    assert raises[:3] == [2, "", f"netspec: error: {GOOD} {message}\n"]
    assert rubbish[0] == 2
    assert f"{GOOD} gives 'x' for `netspec rubbish`, not an exit code" in rubbish[2]
    assert wrong[0] == 1
    assert wrong[2].startswith("wrong.yaml:3:10: error: rely is not a layer [unknown-layer]")
    assert "100% fine (from netspec-good 1.0)" in help[1]
    assert taken[0] == 2
    assert f"a plugin is disabled: {GOOD} fails in `netspec taken`: ArgumentError" in taken[2]
    assert after[:2] == [0, "it runs\n"]


def test_the_list_of_commands_and_what_is_wrong_with_it(site: Path) -> None:
    help, same, full, worse, none = run(site, "--help", "fine", "same.fine", "worse", "build x")
    assert help[0] == 0
    assert "    same.fine\n" in help[1]
    assert "    raises " in help[1]
    problem = "the plugin 'bad' of netspec-bad 1.0: netspec_commands failed: LookupError: no comma"
    assert help[2].startswith(f"netspec: a plugin is disabled: {problem}")
    assert help[2].count("\n") == 1
    assert same[0] == 2
    assert "write `netspec good.fine` or `netspec same.fine`" in same[2]
    assert full[0] == 0
    assert worse[0] == 2
    assert f"worse is not a command; a plugin is disabled: {problem}" in worse[2]
    assert not any(torch for *_, torch in (help, same, full, worse))
    assert none[0] == 2 or none[0] == 1


def test_exporters_leave_no_half_file(site: Path) -> None:
    names = ["write", "half", "refused", "nothing", "missing"]
    lines = [f"export m.yaml -o out.{name}" for name in names]
    (site / "old.half").write_text("old")
    write, half, refused, nothing, missing, old, wrong, there = run(
        site,
        *lines,
        "export m.yaml -o old.half --force",
        "export wrong.yaml -o wrong.write",
        "export m.yaml -o out.write",
        plugins="good",
    )
    assert write[:3] == [0, "begun\nout.write: write, 1 bytes\n", ""]
    assert (site / "out.write").read_text() == "M"
    message = f"netspec: error: {GOOD} fails to export half: LookupError: the moon is full\n"
    assert half[:3] == [2, "", message]
    assert refused[0] == 1
    assert "refused cannot hold m.yaml: too round; make it square" in refused[2]
    assert f"{GOOD} fails to export nothing: ValueError: it wrote nothing" in nothing[2]
    assert f"{GOOD} fails to export missing: AttributeError" in missing[2]
    assert old[0] == 2
    assert (site / "old.half").read_text() == "old"
    assert wrong[0] == 1
    assert "out.write is there already; --force replaces it" in there[2]
    left = {path.name for path in site.iterdir() if path.suffix[1:] in names}
    assert left == {"out.write", "old.half"}
    assert not [path for path in site.iterdir() if path.name.startswith(".")]
    assert not any(torch for *_, torch in (write, half, refused, nothing))


def test_a_check_imports_only_a_plugin_that_lists_its_lint(site: Path) -> None:
    (result,) = run(site, "check m.yaml")
    assert result[:3] == [0, "m.yaml: ok\n", ""]
