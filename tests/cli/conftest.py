"""The command in processes of its own: with pipes as a program runs it, or on a real terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NETSPEC = [sys.executable, "-m", "netspec"]


@pytest.fixture(autouse=True, scope="session")
def signals_end_processes() -> Iterator[None]:
    """A job of the background ignores Ctrl-C, and `nohup` SIGHUP; so do their children."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test works in an empty folder, with a spec that is right and one that is not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    (tmp_path / "model.yaml").write_text(
        "netspec: 1\nname: Net\ninput: [N, 8]\nlayers:\n  up: {linear: 16}\n  act: relu\n"
        "  down: {linear: {out_features: 2, bias: false}}\n"
    )
    (tmp_path / "wrong.yaml").write_text(
        "netspec: 1\ninput: [N, 8]\nlayers:\n  - reluu\n  - linear: '4'\n"
    )
    return tmp_path


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``netspec`` with these arguments, its output in pipes."""

    def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        options = {"stdin": subprocess.DEVNULL} | options if "input" not in options else options
        done = subprocess.run(
            [*NETSPEC, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            **options,
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        return done

    return run


@pytest.fixture
def on_terminal() -> Callable[..., tuple[int, str]]:
    """Runs ``netspec`` on a terminal; gives its exit code and all that it showed."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    def run(*arguments: str, columns: int = 80, **variables: str) -> tuple[int, str]:
        mine, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [*NETSPEC, *arguments],
            stdin=its,
            stdout=its,
            stderr=its,
            env=os.environ | variables,
        )
        os.close(its)
        shown = b""
        while True:
            try:
                part = os.read(mine, 65536)
            except OSError:  # how Linux says that the terminal was closed
                part = b""
            if not part:
                break
            shown += part
        os.close(mine)
        return process.wait(), shown.decode().replace("\r\n", "\n")

    return run
