"""The virtual environment of the peers: made once, used again until something changes."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.peers.peer import PEERS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-peers"
STAMP = FOLDER / "installed.json"
PYTHON = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
SHARED = ("torch", "pyyaml")


def environment(renew: bool = False) -> dict[str, str]:
    """Makes the environment where it is not there; gives the version of each peer's package.

    A peer that does not install has the reason in the place of its version.
    """
    wanted = {"torch": version("torch"), "python": platform.python_version()}
    wanted |= {"parent": sys.prefix, "peers": " ".join(PEERS.values())}
    if not renew and STAMP.exists():
        stamp: dict[str, Any] = json.loads(STAMP.read_text())
        if stamp["wanted"] == wanted:
            found: dict[str, str] = stamp["found"]
            return found
    print(f"making {FOLDER.name} with the newest releases of the peers (a minute)", flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    venv.create(FOLDER, with_pip=True)
    _share_parent()
    found = {}
    for name, package in PEERS.items():
        # netspec is this tree; what it needs is shared.
        what = ("--no-deps", "--editable", str(ROOT)) if name == "netspec" else (package,)
        found[name] = _installed(package, what)
        print(f"  {package} {found[name]}", flush=True)
    STAMP.write_text(json.dumps({"wanted": wanted, "found": found}, indent=1))
    return found


def _share_parent() -> None:
    """Shows the packages of the environment that runs this to the new one.

    torch is some 5 GB and is the same for all so. `--system-site-packages` would show those of the
    Python that this environment was made from, not this environment's. The new one's own packages
    come first, so a peer may bring another version of something.
    """
    folder = _asked("import sysconfig; print(sysconfig.get_path('purelib'))")
    parent = sysconfig.get_path("purelib")
    Path(folder, "parent.pth").write_text(f"import site; site.addsitedir({parent!r})\n")


def _installed(package: str, what: tuple[str, ...]) -> str:
    """The version that pip installed, or why it did not."""
    limits = FOLDER / "constraints.txt"
    limits.write_text("".join(f"{name}=={version(name)}\n" for name in SHARED))
    options = ("--quiet", "--disable-pip-version-check", "--progress-bar", "off")
    run = subprocess.run(
        (str(PYTHON), "-m", "pip", "install", *options, "--constraint", str(limits), *what),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        errors = [line for line in run.stderr.splitlines() if line.startswith("ERROR:")]
        return f"does not install: {(errors or ['pip failed'])[-1].removeprefix('ERROR: ')}"
    return _asked(f"from importlib.metadata import version; print(version({package!r}))")


def _asked(code: str) -> str:
    run = (str(PYTHON), "-c", code)
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()
