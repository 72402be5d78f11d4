"""What all commands share: help, usage, exit codes, color, and how they end early."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
OnTerminal = Callable[..., tuple[int, str]]

COMMANDS = ["check", "show", "plan", "build", "export", "layers", "plugins", "new-plugin", "stubs"]
SPECS = Path(__file__).parents[2] / "specs"


def test_without_a_command(run: Run) -> None:
    done = run()
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: netspec ")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("chek", "chek is not a command; did you mean check?"),
        (
            "zzz",
            "zzz is not a command; the commands are check, show, plan, build, export, layers, ",
        ),
        ("\x1b[31m", "\\x1b[31m is not a command; the commands are"),
    ],
)
def test_an_unknown_command(word: str, said: str, run: Run) -> None:
    done = run(word, "model.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith(f"netspec: error: {said}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["show"],
        ["show", "a", "b"],
        ["check", "--jsn", "model.yaml"],
        ["check", "--js", "model.yaml"],
        ["build", "model.yaml", "--seed", "x"],
        ["build", "model.yaml", "--seed", "-1"],
        ["build", "model.yaml", "--seed", "9" * 30],
        ["--nothing"],
    ],
)
def test_wrong_usage(arguments: list[str], run: Run) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage: netspec" in done.stderr
    assert "error: " in done.stderr


def test_the_version(run: Run) -> None:
    import netspec

    assert run("--version").stdout == f"netspec {netspec.__version__}\n"


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_fits_and_its_examples_run(command: list[str], run: Run) -> None:
    done = run(*command, "--help", env=os.environ | {"COLUMNS": "80"})
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    _, _, examples = done.stdout.partition("\nexamples:\n")
    lines = re.findall(r"^  (.*netspec .+?)(?:   .*)?$", examples, re.M)
    assert lines
    with Path("model.yaml").open("a") as file:
        file.write("params: {width: 8}\nvariants: {small: {width: 4}}\n")
    Path("specs").mkdir()
    shutil.copy("model.yaml", "specs/model.yaml")
    Path("p.yaml").write_text("placement: 1\nmesh: auto\ndata_parallel:\n")
    for line in lines:
        if "netspec build" in line and command == []:
            continue  # run by the help of `build`
        pieces = line.replace("netspec ", f"{shlex.quote(sys.executable)} -m netspec ")
        done = subprocess.run(pieces, shell=True, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stderr == ""


WITHOUT_TORCH = """
import sys
from netspec.cli.main import main
for line in sys.argv[1:]:
    print(main(line.split()))
    assert "torch" not in sys.modules, line
"""


def test_only_build_imports_torch() -> None:
    lines = ["check model.yaml wrong.yaml", "show model.yaml", "show --json model.yaml"]
    lines += ["layers", "layers conv2d", "layers relux", "layers --json", "plugins"]
    lines += ["plugins --json", "build wrong.yaml -o x.bin", "chek"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *lines], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_color_is_for_terminals_only(run: Run, on_terminal: OnTerminal) -> None:
    code, shown = on_terminal("check", "wrong.yaml")
    assert code == 1
    assert "\x1b[1;31merror:\x1b[0m reluu is not a layer" in shown
    assert "\x1b[1;31m^^^^^\x1b[0m" in shown
    plain = run("check", "wrong.yaml").stdout
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == plain
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert on_terminal("check", "wrong.yaml", **variables) == (1, plain)
    assert "\x1b" in on_terminal("check", "wrong.yaml", NO_COLOR="")[1]


def test_a_spec_cannot_write_to_the_terminal(on_terminal: OnTerminal) -> None:
    Path("evil.yaml").write_text(
        'netspec: 1\nname: "\\e[2J"\ninput: [N, 8]\nlayers: {"a\\e]0;title\\a": relu}\n'
    )
    assert on_terminal("check", "evil.yaml") == (0, "evil.yaml: ok\n")
    code, shown = on_terminal("show", "evil.yaml")
    assert code == 0
    assert "\x1b" not in shown
    assert "\\x1b[2J: input [N, 8]" in shown
    assert "a\\x1b]0;title\\x07" in shown


needs_a_shell = pytest.mark.skipif(os.name != "posix", reason="needs a shell and its signals")


@needs_a_shell
@pytest.mark.parametrize("arguments", ["show big.yaml", "show --json big.yaml", "layers", "--help"])
@pytest.mark.parametrize("reader", ["head -n 1", "true"])
def test_a_reader_that_leaves(arguments: str, reader: str) -> None:
    Path("big.yaml").write_text("netspec: 1\ninput: [N, 8]\nlayers:\n" + "  - relu\n" * 5000)
    line = f"{shlex.quote(sys.executable)} -m netspec {arguments} | {reader}"
    done = subprocess.run(line, shell=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.count("\n") == (1 if "head" in reader else 0)


@needs_a_shell
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["show model.yaml", "check wrong.yaml", "layers --json"])
def test_output_that_cannot_be_written(command: str, run: Run) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "netspec", *command.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    message = "netspec: error: cannot write the output: No space left on device\n"
    assert done.stderr == message


def interrupted(arguments: list[str], ready: Callable[[int], bool]) -> tuple[int, str]:
    """Sends Ctrl-C to the command as soon as it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not ready(process.pid):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    return process.returncode, said


def _waits_for_input(pid: int) -> bool:
    # Number 0 is `read`, on file 0.
    return Path(f"/proc/{pid}/syscall").read_text().startswith("0 0x0 ")


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/syscall").exists() or os.uname().machine != "x86_64",
    reason="looks into the process by Linux's /proc",
)


# Runs `netspec` with Ctrl-C at the moment that the first word names.
INTERRUPTED = """
import atexit, signal, sys

when, name, *words = sys.argv[1:]

class Callback:
    def __del__(self):  # where Python prints an exception, and goes on
        interrupt()

class Finder:
    def find_spec(self, module, path=None, target=None):
        if module == name:
            {"import": interrupt, "callback": Callback, "exit": at_exit}[when]()

def interrupt():
    signal.raise_signal(signal.SIGINT)

def at_exit():
    atexit.register(interrupt)

sys.meta_path.insert(0, Finder())
sys.argv[1:] = words
from netspec.cli.main import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("when", "module", "command"),
    [
        ("import", "netspec.cli.signals", "show model.yaml"),
        ("import", "argparse", "show model.yaml"),
        ("import", "netspec.planning", "show model.yaml"),
        ("import", "torch", "build model.yaml"),
        ("callback", "argparse", "check model.yaml"),
        ("exit", "argparse", "check model.yaml"),
    ],
)
def test_ctrl_c_at_any_moment(when: str, module: str, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, when, module, *command.split()],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (130, "")


@needs_proc
def test_ctrl_c_while_it_waits_for_input() -> None:
    assert interrupted(["check", "-"], _waits_for_input) == (130, "")


@needs_proc
def test_ctrl_c_while_a_big_model_is_built() -> None:
    layers = "  - linear: {out_features: 4000, bias: false}\n" * 200
    Path("big.yaml").write_text(f"netspec: 1\ninput: [N, 4000]\nlayers:\n{layers}")

    def makes_weights(pid: int) -> bool:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") > 600 * 2**20

    code, said = interrupted(["build", "big.yaml", "-o", "big.pt"], makes_weights)
    assert (code, said) == (130, "")
    assert sorted(os.listdir()) == ["big.yaml", "model.yaml", "wrong.yaml"]
