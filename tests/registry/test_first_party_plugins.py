"""What the packages in ``plugins/`` list in their metadata is what they bring."""

import importlib
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.registry.known import KNOWN

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
PACKAGES = sorted(path.parent for path in PLUGINS.glob("*/pyproject.toml"))


def entry_points(package: Path) -> dict[str, Any]:
    stated = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))
    found: dict[str, Any] = stated["project"]["entry-points"]
    return found


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_lists_its_layers_and_hooks(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(package), *sys.path])
    stated = entry_points(package)
    ((name, target),) = stated["netspec"].items()
    registry = netspec.Registry()
    registry.register(importlib.import_module(target), name=name, package=package.name)
    plugin = registry.plugins()[-1]
    listed = stated["netspec.layers"]
    assert set(listed) == set(plugin.layers)
    assert {entry.partition(":")[0] for entry in listed.values()} == {target}
    assert set(stated.get("netspec.hooks", {})) == set(plugin.hooks) - {"netspec_layers"}


def test_netspec_knows_which_of_its_packages_has_which_layer() -> None:
    listed = {path.name: tuple(sorted(entry_points(path)["netspec.layers"])) for path in PACKAGES}
    assert listed == KNOWN
