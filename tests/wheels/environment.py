"""Fresh virtual environments away from the checkout, and wheels to install there.

What netspec and its plugins depend on is lent by the environment of the tests, because torch is
several gigabytes: a folder of links to everything there except netspec and its plugins, named by
a ``.pth`` file.
"""

import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from importlib.metadata import distribution
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
FIRST_PARTY = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))

#: A package of each folder that lends.
LENT = ("torch", "pyyaml", "pluggy", "hatchling", "build", "pytest", "pip")

#: Nothing is fetched: what is not lent or built here is missing.
SETTINGS = {
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    "PIP_NO_INDEX": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say that there is none
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}

#: Builds projects with their build backend, all in one process.
BUILD = """
import os, sys
from hatchling.build import build_wheel
for project in sys.argv[2:]:
    os.chdir(project)
    build_wheel(sys.argv[1])
"""


def finished(
    command: Sequence[str | Path], cwd: Path, code: int | None = 0, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Runs a command that sees nothing of this process's Python settings or checkout."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIP_", "NETSPEC_"))
    }
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept | SETTINGS | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done


def lend(folder: Path) -> None:
    """Fills a folder with links to this environment's packages, except netspec and its plugins.

    It has to be called site-packages: hypothesis reads the source of all other modules, and torch's
    take a minute.
    """
    assert folder.name == "site-packages"
    for home in {str(distribution(name).locate_file("")) for name in LENT}:
        for item in Path(home).iterdir():
            link = folder / item.name
            ours = "netspec" in item.name.lower()
            if not ours and item.suffix != ".pth" and not link.is_symlink():
                link.symlink_to(item)


def build(projects: Iterable[Path], folder: Path) -> None:
    """Writes the wheels of projects into a folder."""
    finished([sys.executable, "-c", BUILD, folder, *projects], folder)


def wheels_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.whl"))


def once(folder: Path, make: Callable[[], None]) -> Path:
    """The folder, made by the first of several workers that ask for it; the others wait."""
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            make()
    return folder


class Environment:
    """A virtual environment in a folder."""

    def __init__(self, folder: Path) -> None:
        self.scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.cwd = folder / "empty"

    @classmethod
    def make(cls, folder: Path, lent: Path, wheels: Sequence[Path]) -> None:
        """Makes one, with wheels installed."""
        venv.create(folder / "venv", symlinks=os.name != "nt")
        new = cls(folder)
        new.cwd.mkdir()
        (new.site / "lent.pth").write_text(f"{lent}\n", encoding="utf-8")
        new.install(*wheels)

    @cached_property
    def site(self) -> Path:
        return Path(
            self.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')")
        )

    def run(self, *arguments: str) -> str:
        """What Python prints; ``-I`` keeps the current folder off its path, too."""
        return finished([self.scripts / "python", "-I", *arguments], self.cwd).stdout

    def install(self, *wheels: Path) -> None:
        self.run("-m", "pip", "install", "--no-deps", "--quiet", *map(str, wheels))

    def netspec(self, *arguments: str | Path, code: int = 0, **variables: str) -> str:
        """What the installed command prints."""
        command = [self.scripts / "netspec", *arguments]
        return finished(command, self.cwd, code, **variables).stdout
