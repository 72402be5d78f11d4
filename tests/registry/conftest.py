"""Plugins for tests: objects for `register`, and installed distributions with entry points."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

import netspec
from netspec.plugin import LayerType, hookimpl

MakePlugin = Callable[..., ModuleType]
Install = Callable[..., None]
InFreshProcess = Callable[[str], Any]


@pytest.fixture
def make_plugin() -> MakePlugin:
    """A plugin with these layers and further hooks."""

    def make(name: str, *layers: LayerType, **hooks: Callable[..., object]) -> ModuleType:
        plugin = ModuleType(name)

        def netspec_layers() -> tuple[LayerType, ...]:
            return layers

        for hook_name, hook in {"netspec_layers": netspec_layers, **hooks}.items():
            setattr(plugin, hook_name, hookimpl(hook))
        return plugin

    return make


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which distributions lie as pip installs them."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def install(site: Path) -> Install:
    """Installs a distribution of one module, ``name`` with underscores, and its entry point."""
    return installer(site)


@pytest.fixture
def other_install(tmp_path: Path) -> Install:
    """As ``install``, into a folder of the test's own."""
    return installer(tmp_path)


def installer(site: Path) -> Install:
    def install(
        name: str,
        version: str,
        code: str,
        *,
        entry: str = "",
        target: str | None = None,
        needs: str = "",
        lists: Sequence[str] = (),
    ) -> None:
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(
            "from netspec.plugin import *\n" + dedent(code), encoding="utf-8"
        )
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            + (f"Requires-Dist: {needs}\n" if needs else ""),
            encoding="utf-8",
        )
        target = module if target is None else target
        layers = "".join(f"{layer} = {target}:{layer}\n" for layer in lists)
        (info / "entry_points.txt").write_text(
            f"[netspec]\n{entry or name} = {target}\n[netspec.layers]\n{layers}",
            encoding="utf-8",
        )

    return install


@pytest.fixture(scope="module")
def in_fresh_process(site: Path) -> InFreshProcess:
    """Runs code in a new Python that sees the installed distributions; gives what it prints."""
    return runner(site)


@pytest.fixture
def other_process(tmp_path: Path) -> InFreshProcess:
    """As ``in_fresh_process``, for ``other_install``."""
    return runner(tmp_path)


def runner(site: Path) -> InFreshProcess:
    def run(code: str) -> Any:
        path = [str(site), str(Path(netspec.__file__).parents[1])]
        done = subprocess.run(
            [sys.executable, "-c", dedent(code)],
            cwd=site,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
