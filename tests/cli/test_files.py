"""Files that are written whole or not at all, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.files import CannotWrite, OutputFile, written_whole

BEFORE = {"model.yaml", "wrong.yaml"}
# Waits with a file that is half written.
HALF = """
import sys, time
from pathlib import Path
from netspec.cli.signals import end_at_signals
from netspec.files import written_whole
end_at_signals()
with written_whole(Path("m.pt")) as file:
    file.write_text("half")
    print("ready", flush=True)
    time.sleep(3600)
"""


def names() -> set[str]:
    return set(os.listdir()) - BEFORE


@pytest.mark.skipif(os.name != "posix", reason="needs its signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_a_process_that_is_ended_leaves_the_old_file(name: str) -> None:
    Path("m.pt").write_text("old")
    process = subprocess.Popen(
        [sys.executable, "-c", HALF], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    number = getattr(signal, name)
    process.send_signal(number)
    assert process.communicate() == ("", "")
    assert process.returncode == (130 if name == "SIGINT" else -number)
    assert Path("m.pt").read_text() == "old"
    assert (names() == {"m.pt"}) == (name != "SIGKILL")
    with written_whole(Path("other.pt")) as file:  # which removes what a killed one left
        file.write_text("new")
    assert names() == {"m.pt", "other.pt"}


def test_a_file_of_a_process_that_runs_stays() -> None:
    with written_whole(Path("a")) as first, written_whole(Path("b")) as second:
        first.write_text("a")
        second.write_text("b")
    assert {name: Path(name).read_text() for name in names()} == {"a": "a", "b": "b"}


@pytest.mark.skipif(os.name != "posix", reason="needs links and umask")
def test_a_link_is_followed_and_the_umask_kept() -> None:
    Path("there").mkdir()
    Path("link").symlink_to("there/file")
    with written_whole(Path("link")) as file:
        file.write_text("new")
    assert Path("link").is_symlink()
    Path("other").touch()
    assert Path("there/file").read_text() == "new"
    assert Path("there/file").stat().st_mode == Path("other").stat().st_mode


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("of the writer"), OSError(2)])
def test_an_error_leaves_the_old_file(error: BaseException) -> None:
    Path("m").write_text("old")

    def fail() -> None:
        with written_whole(Path("m")) as file:
            file.write_text("half")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert names() == {"m"}
    assert Path("m").read_text() == "old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_takes_no_more() -> None:

    def fill() -> None:
        with written_whole(Path("m")), OutputFile("/dev/full") as file:
            assert file.write(b"1234") == 4  # a writer in C++ sees no error
            assert file.write(b"5") == 1

    with pytest.raises(CannotWrite) as caught:
        fill()
    assert str(caught.value) == (
        "No space left on device: free some space, or write to another disk"
    )
    assert names() == set()


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="needs a folder that root cannot write to")
def test_a_folder_that_cannot_be_written_to() -> None:
    with pytest.raises(CannotWrite, match=": write to a"):
        written_whole(Path("/sys/m")).__enter__()
