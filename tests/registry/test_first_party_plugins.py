"""What the packages in ``plugins/`` list in their metadata is what they bring."""

import importlib
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.registry.installed import GROUPS
from netspec.registry.known import FURTHER, KNOWN

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
PACKAGES = sorted(path.parent for path in PLUGINS.glob("*/pyproject.toml"))


def entry_points(package: Path) -> dict[str, Any]:
    stated = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))
    found: dict[str, Any] = stated["project"]["entry-points"]
    return found


@pytest.mark.parametrize(
    ("package", "name"),
    [(path, name) for path in PACKAGES for name in entry_points(path)["netspec"]],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_package_lists_its_layers_and_hooks(
    package: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(package), *sys.path])
    stated = entry_points(package)
    target = stated["netspec"][name]
    registry = netspec.Registry()
    registry.register(importlib.import_module(target), name=name, package=package.name)
    plugin = registry.plugins()[-1]
    brings = {"layers": plugin.layers, **plugin.brings}
    groups = {
        group: {key for key, entry in listed.items() if entry.partition(":")[0] == target}
        for group in GROUPS
        if (listed := stated.get(f"netspec.{group}"))
    }
    others = groups.pop("hooks", set())
    groups = {group: names for group, names in groups.items() if names}
    for group, listed in groups.items():
        assert sorted(listed) == sorted(brings[group]), group
    assert others == set(plugin.hooks) - {f"netspec_{group}" for group in groups}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_what_a_package_lists_is_of_one_of_its_plugins(package: Path) -> None:
    stated = entry_points(package)
    targets = {
        entry.partition(":")[0]
        for group in GROUPS
        for entry in stated.get(f"netspec.{group}", {}).values()
    }
    assert targets == set(stated["netspec"].values())


def listed(path: Path, *groups: str) -> tuple[str, ...]:
    """The names that a package lists in these groups."""
    stated = entry_points(path)
    return tuple(sorted(name for group in groups for name in stated.get(f"netspec.{group}", {})))


def test_netspec_knows_which_of_its_packages_has_what() -> None:
    assert {path.name: listed(path, "layers", "blocks") for path in PACKAGES} == KNOWN
    for path in PACKAGES:
        further = dict(FURTHER.get(path.name, {}))
        suffixes = further.pop("suffixes", ())
        kinds = ("initialisers", "exporters", "commands")
        assert {kind: listed(path, kind) for kind in kinds if listed(path, kind)} == further
        registry = netspec.Registry(installed=[*entry_points(path)["netspec"]])
        exporters = registry.exporters().values()
        assert tuple(sorted(one.value.suffix for one in exporters)) == suffixes


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("layers: [mlp_block: 3]", "mlp_block"),
        ("layers: [{linear: 3, init: {weight: tools.depth_scaled_normal}}]", "depth_scaled_normal"),
    ],
)
def test_who_lacks_a_package_reads_what_to_install(text: str, word: str) -> None:
    (found,) = netspec.check(f"netspec: 1\ninput: [N, 4]\n{text}\n", registry=netspec.Registry())
    assert word in found.message
    assert found.help == ("`pip install netspec-tools` provides it",)
