"""``netspec new-plugin``: what speaks against a name, and that nothing is half written.

What it writes is installed, tested and published by tests/wheels.
"""

import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

REFUSED = {
    "My_Layers": "write lower-case letters and digits with single hyphens between, as "
    "'netspec-my-layers'",
    "netspec--a": "as 'netspec-a'",
    "../netspec-a": "'../netspec-a' is not the name of a package",
    "": "as 'netspec-mylayers'",
    "n" * 61: "at most 60 letters",
    "lambda": "'lambda' is a word of Python, and no module can be called so: write "
    "'netspec-lambda'",
    "json": "the module 'json' would hide the one of Python",
    "torch": "the module 'torch' would hide the one of torch",
    "netspec-einops": "netspec-einops is a package of netspec's own",
    "netspec-placement": "netspec's own plugin is called 'placement'",
    "transformer": "the plugin of netspec-transformer, which is installed, is called 'transformer'",
}


def test_names_that_a_package_cannot_have(folder: Path) -> None:
    before = sorted(folder.iterdir())
    code = (
        "import sys; from netspec.cli.main import main\n"
        "for name in sys.argv[1:]:\n"
        "    print(main(['new-plugin', name]), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *REFUSED], capture_output=True, text=True, check=True
    )
    lines = done.stderr.splitlines()
    for said, exit_code, wanted in zip(lines[::2], lines[1::2], REFUSED.values(), strict=True):
        assert said.startswith("netspec: error: ")
        assert wanted in said
        assert exit_code == "2"
    assert done.stdout == ""
    assert sorted(folder.iterdir()) == before


def test_what_is_written_can_be_read_by_all_and_is_told(run: Run, folder: Path) -> None:
    (folder / "projects").mkdir()
    done = run("new-plugin", "netspec-my-layers", "--directory", "projects")
    assert done.returncode == 0
    written = [line.removeprefix("wrote ") for line in done.stdout.splitlines() if "wrote" in line]
    found = [path for path in (folder / "projects").rglob("*") if path.is_file()]
    assert sorted(written) == sorted(str(path.relative_to(folder)) for path in found)
    assert "projects/netspec-my-layers/netspec_my_layers/py.typed" in written
    assert [path.name for path in (folder / "projects").iterdir()] == ["netspec-my-layers"]
    assert all("{{" not in path.read_text("utf-8") for path in found)
    mask = os.umask(0)
    os.umask(mask)
    mode = (folder / "projects" / "netspec-my-layers").stat().st_mode
    assert stat.S_IMODE(mode) == 0o777 & ~mask


def test_nothing_is_overwritten_or_half_written(run: Run, folder: Path) -> None:
    (folder / "netspec-there").mkdir()
    (folder / "file").touch()
    before = sorted(folder.rglob("*"))
    for arguments, said in {
        ("netspec-there",): "cannot write netspec-there: it is there already",
        ("netspec-a", "--directory", "nowhere"): "there is no folder nowhere",
        ("netspec-a", "--directory", "file"): "there is no folder file",
        ("netspec-a", "--directory", "/proc"): "cannot write /proc/netspec-a: ",
    }.items():
        done = run("new-plugin", *arguments)
        assert done.returncode == 2
        assert done.stderr.startswith(f"netspec: error: {said}")
        assert done.stdout == ""
    # No file may be larger than a kilobyte, as on a disk that becomes full.
    words = ["-B", "-m", "netspec", "new-plugin", "netspec-a"]  # no byte code that is cut off
    command = shlex.join([sys.executable, *words])
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 1; {command}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("netspec: error: cannot write netspec-a: File too large: ")
    assert sorted(folder.rglob("*")) == before


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(run: Run, folder: Path) -> None:
    (folder / "locked").mkdir(mode=0o555)
    done = run("new-plugin", "netspec-a", "--directory", "locked")
    assert done.returncode == 2
    assert "cannot write locked/netspec-a: Permission denied" in done.stderr
