"""``netspec check``: findings for people and for programs, and the exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

RIGHT = Path("model.yaml")


def test_a_right_spec(run: Run) -> None:
    done = run("check", "model.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "model.yaml: ok\n", "")


def test_a_wrong_spec(run: Run) -> None:
    done = run("check", "wrong.yaml")
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout == (
        "wrong.yaml:4:5: error: reluu is not a layer [unknown-layer]\n"
        "    4 |   - reluu\n"
        "      |     ^^^^^\n"
        "   = help: did you mean relu?\n"
        "wrong.yaml:5:13: error: out_features of linear takes a whole number >= 1, not the text"
        " '4' [bad-argument]\n"
        "    5 |   - linear: '4'\n"
        "      |             ^^^\n"
        "   = help: remove the quotes: 4\n"
        "wrong.yaml: 2 errors\n"
    )


def test_several_specs_are_all_checked(run: Run) -> None:
    done = run("check", "wrong.yaml", "model.yaml", "missing.yaml", "model.yaml")
    assert done.returncode == 1
    summaries = [line for line in done.stdout.splitlines() if line.count(":") == 1]
    summaries = [line for line in summaries if line.split(":")[0].endswith(".yaml")]
    assert summaries == ["wrong.yaml: 2 errors", "model.yaml: ok", "missing.yaml: 1 error"]


def test_a_warning_is_shown_and_is_no_error(run: Run) -> None:
    Path("soft.yaml").write_text("netspec: 1\ninput: [N, 8]\nlayers: [softmax]\n")
    done = run("check", "soft.yaml")
    assert done.returncode == 0
    assert "soft.yaml:3:10: warning: softmax has no `dim`" in done.stdout
    assert done.stdout.endswith("soft.yaml: ok, 1 warning\n")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.yaml", "No such file or directory"), (".", "Is a directory"), ("a/b", "No such")],
)
def test_a_file_that_cannot_be_read(name: str, reason: str, run: Run) -> None:
    for command in ("check", "show", "build"):
        done = run(command, name)
        assert done.returncode == 1
        first, *rest = (done.stdout + done.stderr).splitlines()
        assert first.startswith(f"{name}: error: cannot read the file: {reason}")
        assert first.endswith(" [unreadable-file]")
        help = ["   = help: there is no folder a"] if name == "a/b" else []
        assert rest == help + ([f"{name}: 1 error"] if command == "check" else [])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read(run: Run) -> None:
    RIGHT.chmod(0)
    assert "Permission denied" in run("check", "model.yaml").stdout


def test_a_spec_on_standard_input(run: Run) -> None:
    done = run("check", "-", input=RIGHT.read_text())
    assert (done.returncode, done.stdout) == (0, "<stdin>: ok\n")
    done = run("check", "-", input=Path("wrong.yaml").read_text())
    assert done.returncode == 1
    assert done.stdout.startswith("<stdin>:4:5: error: reluu")
    assert done.stdout.endswith("\n<stdin>: 2 errors\n")


def test_standard_input_for_the_other_commands(run: Run) -> None:
    done = run("show", "-", input=RIGHT.read_text())
    assert done.returncode == 0
    assert done.stdout.startswith("Net: input [N, 8] -> [N, 2]\n")
    done = run("show", "-", input="netspec: 2\nlayers: [relux]\n")
    assert done.returncode == 1
    assert [line.split(": ")[0] for line in done.stderr.splitlines() if "error" in line] == [
        "<stdin>:1:1",
        "<stdin>:1:10",
        "<stdin>:2:10",
    ]


def test_standard_input_that_is_no_text() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "netspec", "check", "-"],
        input=b"\xef\xbb\xbfnetspec: 1\n# \xff",
        capture_output=True,
    )
    assert done.returncode == 1
    assert done.stdout.startswith(b"<stdin>:2:3: error: the file is not UTF-8 text: byte 0xff")
    assert done.stderr == b""


@pytest.mark.skipif(os.name != "posix", reason="closes a stream as a shell does")
def test_closed_streams(run: Run) -> None:
    done = run("check", "-", preexec_fn=lambda: os.close(0))
    assert done.returncode == 1
    assert "cannot read standard input" in done.stdout
    assert run("check", "model.yaml", preexec_fn=lambda: os.close(1)).returncode == 0
    assert run("check", "wrong.yaml", preexec_fn=lambda: os.close(2)).returncode == 1


def test_a_file_name_that_is_no_text_and_letters_that_the_terminal_lacks(run: Run) -> None:
    Path(os.fsdecode(b"\xff.yaml")).write_text("netspec: 1\ninput: [N]\nlayers: {日本: relux}\n")
    done = run("check", os.fsdecode(b"\xff.yaml"))
    assert done.returncode == 1
    assert "\\udcff.yaml:3:14: error: relux is not" in done.stdout
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = run("check", os.fsdecode(b"\xff.yaml"), env=ascii_only)
    assert done.returncode == 1
    assert "layers: {\\u65e5\\u672c: relux}" in done.stdout


def test_findings_as_json(run: Run) -> None:
    done = run("check", "--json", "model.yaml", "wrong.yaml", "missing.yaml")
    assert done.returncode == 1
    right, wrong, missing = json.loads(done.stdout)
    assert right == {"spec": "model.yaml", "ok": True, "diagnostics": []}
    assert (wrong["spec"], wrong["ok"]) == ("wrong.yaml", False)
    assert wrong["diagnostics"][0] == {
        "code": "unknown-layer",
        "severity": "error",
        "message": "reluu is not a layer",
        "file": "wrong.yaml",
        "line": 4,
        "column": 5,
        "end_line": 4,
        "end_column": 10,
        "path": None,
        "notes": [],
        "help": ["did you mean relu?"],
        "fixes": [
            {
                "message": "did you mean relu?",
                "is_certain": False,
                "edits": [
                    {"line": 4, "column": 5, "end_line": 4, "end_column": 10, "text": "relu"}
                ],
            }
        ],
    }
    (finding,) = missing["diagnostics"]
    assert finding["code"] == "unreadable-file"
    assert finding["line"] is None
    assert run("check", "--json", "model.yaml").returncode == 0
