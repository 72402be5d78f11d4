"""netspec and its plugins as users get them: wheels, in an environment away from the checkout."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.wheels.broken import (
    AT_BUILD,
    AT_CHECK,
    DISABLED,
    GLOWS,
    HOOKS,
    TWINS,
    module_of,
    packages,
)
from tests.wheels.environment import FIRST_PARTY, ROOT, Environment, finished

YAML = re.compile(r"^```yaml\n(netspec: 1\n.*?)^```$", re.MULTILINE | re.DOTALL)
SPEC = "netspec: 1\ninput: [N, 4]\nlayers:\n  - relu\n  - {}\n"
PACKAGES = packages()


def version_of(name: str) -> str:
    return f"0.{list(PACKAGES).index(name)}"


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec for each broken layer, and with those of the plugins' READMEs."""
    folder = tmp_path_factory.mktemp("specs")
    for name in (*AT_CHECK, *AT_BUILD):
        (folder / f"{name}.yaml").write_text(SPEC.format(module_of(name)))
    for name in ("glow", "broken-glow-a.glow"):
        (folder / f"{name}.yaml").write_text(SPEC.format(name))
    for package in FIRST_PARTY:
        for number, text in enumerate(YAML.findall((package / "README.md").read_text("utf-8"))):
            (folder / f"{package.name}-{number}.yaml").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def plugins(crowded: Environment) -> list[Any]:
    """What `netspec plugins --json` says."""
    found: list[Any] = json.loads(crowded.netspec("plugins", "--json"))
    return found


@pytest.fixture(scope="module")
def listed(plugins: list[Any]) -> dict[str, Any]:
    """The same by package, for packages of one plugin."""
    return {plugin["package"]: plugin for plugin in plugins}


@pytest.fixture(scope="module")
def checked(crowded: Environment, specs: Path) -> dict[str, list[Any]]:
    """The diagnostics of every spec, by its name, all of one process."""
    files = sorted(str(path) for path in specs.glob("*.yaml"))
    found = json.loads(crowded.netspec("check", "--json", *files, code=1))
    return {Path(one["spec"]).stem: one["diagnostics"] for one in found}


# ---- whole ones


def test_what_is_imported_is_what_was_installed(crowded: Environment) -> None:
    modules = [package.name.replace("-", "_") for package in FIRST_PARTY]
    code = f"import importlib, json; names = ['netspec', *{modules}]\n"
    code += "print(json.dumps([importlib.import_module(name).__file__ for name in names]))"
    for file in json.loads(crowded.run("-c", code)):
        path = Path(file)
        assert path.is_relative_to(crowded.site)
        assert (path.parent / "py.typed").is_file()
        assert ROOT not in path.resolve().parents


@pytest.mark.parametrize("package", FIRST_PARTY, ids=lambda path: path.name)
def test_a_plugin_is_there_after_pip_install(package: Path, plugins: list[Any]) -> None:
    stated = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    found = [one for one in plugins if one["package"] == package.name]
    assert {one["problem"] for one in found} == {None}
    assert {one["version"] for one in found} == {stated["version"]}
    assert {one["name"] for one in found} == set(stated["entry-points"]["netspec"])
    layers = {layer for one in found for layer in one["layers"]}
    assert set(stated["entry-points"].get("netspec.layers", {})) == layers


def test_the_specs_of_the_readmes_are_right(checked: dict[str, list[Any]]) -> None:
    read = [name for name in checked if name.startswith("netspec-")]
    with_layers = [
        package.name
        for package in FIRST_PARTY
        if '[project.entry-points."netspec.layers"]' in (package / "pyproject.toml").read_text()
    ]
    assert {name.rpartition("-")[0] for name in read} >= set(with_layers)
    for name in read:
        assert [d for d in checked[name] if d["severity"] == "error"] == [], name


USED = """
import json, sys
import netspec
plan = netspec.plan(sys.argv[1])
planned_without_torch = "torch" not in sys.modules
model = netspec.build(plan, device="cpu", seed=0)
import torch
print(json.dumps({
    "planned_without_torch": planned_without_torch,
    "root": type(model).__name__,
    "modules": [f"{type(m).__module__}.{type(m).__name__}" for m in model],
    "names": list(model.state_dict()),
    "planned": [f"{l.path}.{p.name}" for l in plan.layers for p in l.parameters],
    "shape": list(model(torch.zeros(2, 3, 32)).shape),
}))
"""

FEED_FORWARD = """\
netspec: 1
requires: [netspec-transformer>=0.1]
input: [N, T, 32]
layers:
  norm: layer_norm
  ffn: {swiglu: 64}
  head: {geglu: {hidden_features: 48, out_features: 10}}
"""


def test_a_spec_is_planned_without_torch_and_built_with_it(
    crowded: Environment, specs: Path
) -> None:
    path = specs / "feed_forward.yml"
    path.write_text(FEED_FORWARD)
    seen = json.loads(crowded.run("-c", USED, str(path)))
    assert seen["planned_without_torch"]
    assert seen["root"] == "Sequential"
    gated = "netspec_transformer.modules.gated"
    assert seen["modules"][1:] == [f"{gated}.SwiGLU", f"{gated}.GeGLU"]
    assert seen["names"] == seen["planned"]
    assert seen["shape"] == [2, 3, 10]


# ---- broken ones


@pytest.mark.parametrize("name", [*DISABLED, *HOOKS])
def test_a_broken_plugin_is_disabled_with_its_package_version_and_cause(
    name: str, listed: dict[str, Any]
) -> None:
    found = listed[f"broken-{name}"]
    if name in HOOKS:
        assert found["problem"] is None  # until a model is built
        return
    assert found["version"] == version_of(name)
    assert f"broken-{name} {version_of(name)}" in found["problem"]
    assert PACKAGES[name].says in found["problem"]
    assert "\n" not in found["problem"]
    assert len(found["problem"]) < 500


def test_one_of_two_plugins_with_one_name_is_told(listed: dict[str, Any]) -> None:
    problems = [listed[f"broken-{name}"]["problem"] for name in TWINS]
    assert problems.count(None) == 1
    (problem,) = filter(None, problems)
    for name in TWINS:
        assert f"broken-{name} {version_of(name)}" in problem


def test_layers_of_one_short_name_are_told_apart(checked: dict[str, list[Any]]) -> None:
    (found,) = checked["glow"]
    assert found["code"] == "ambiguous-layer"
    versions = [f"broken-{name} {version_of(name)}" for name in GLOWS]
    assert found["message"] == f"glow is a layer of {versions[0]} and {versions[1]}"
    assert found["help"] == ["write `broken-glow-a.glow` or `broken-glow-b.glow`"]
    assert checked["broken-glow-a.glow"] == []


@pytest.mark.parametrize("name", AT_CHECK)
def test_a_rule_that_fails_is_a_diagnostic_at_its_layer(
    name: str, listed: dict[str, Any], checked: dict[str, list[Any]]
) -> None:
    assert listed[f"broken-{name}"]["problem"] is None
    (found,) = checked[name]
    code, text = PACKAGES[name].finds
    assert found["code"] == code
    assert text in found["message"]
    assert found["line"] == 5
    package = f"broken-{name} {version_of(name)}"
    assert found["help"] == [f"this is a mistake in {package}, tell its authors"]


BUILDS = """
import sys
from netspec.cli.main import main
for path in sys.argv[1:]:
    print(f"{path} exits with {main(['build', path])}")
"""


def test_a_class_that_fails_is_a_diagnostic_at_its_layer(
    crowded: Environment, specs: Path, checked: dict[str, list[Any]]
) -> None:
    paths = [str(specs / f"{name}.yaml") for name in AT_BUILD]
    done = finished([crowded.scripts / "python", "-I", "-c", BUILDS, *paths], crowded.cwd)
    assert done.stdout == "".join(f"{path} exits with 1\n" for path in paths)
    assert "Traceback" not in done.stderr
    findings = done.stderr.split(": error: ")[1:]
    for name, finding in zip(AT_BUILD, findings, strict=True):
        assert checked[name] == []
        assert PACKAGES[name].finds[1] in finding
        assert "[build-failed]" in finding
        assert f"of broken-{name} {version_of(name)} with" in finding
    # The device is asked of a plugin first: it is disabled, once, and netspec's own answers.
    assert done.stderr.count("netspec_resolve_device failed: ZeroDivisionError") == 1
    assert f"broken-device {version_of('device')}" in done.stderr


def test_broken_metadata_of_one_package_hide_no_other(
    tmp_path: Path, lent: Path, wheels: list[Path], broken: list[Path]
) -> None:
    """No wheel is so, but an installation that was cut off may be."""
    damages = {
        "fails": ("METADATA", b""),
        "lacks": ("METADATA", b"\xff\xfe\x00 Name"),
        "exits": ("entry_points.txt", b"[netspec]\nno equals sign\n"),
        "typo": ("entry_points.txt", b"[netspec]\n\xff = \xfe\n"),
    }
    damaged = [wheel for wheel in broken if wheel.name.split("-")[0][7:] in damages]
    Environment.make(tmp_path, lent, [*wheels, *damaged])
    crowded = Environment(tmp_path)
    for name, (file, damage) in damages.items():
        (info,) = crowded.site.glob(f"{module_of(name)}-*.dist-info")
        (info / file).write_bytes(damage)
    found = json.loads(crowded.netspec("plugins", "--json"))
    problems = {plugin["package"]: plugin["problem"] for plugin in found}
    for package in FIRST_PARTY:
        assert problems[package.name] is None
    told = [problem for problem in problems.values() if problem and "the metadata of" in problem]
    assert len(told) == 4
    for name in damages:
        assert sum(module_of(name) in text or f"broken-{name}" in text for text in told) == 1
    # Nothing of it concerns a spec that uses no plugin, or the plugins that are chosen.
    assert json.loads(crowded.netspec("plugins", "--no-plugins", "--json")) == [
        plugin for plugin in found if plugin["package"] == "netspec"
    ]
