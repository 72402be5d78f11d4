"""The first-party plugin as its users get it: built as a wheel, installed with pip, and used.

The fresh environment gets two wheels, netspec's and the plugin's. What they depend on is lent by
the environment of the tests, because torch is several gigabytes: a folder of links to everything
there except netspec and its plugins, named by a ``.pth`` file.
"""

import json
import os
import subprocess
import sys
import tomllib
import venv
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "plugins" / "netspec-transformer"

LENT = ("torch", "pyyaml", "pluggy")

SPEC = """\
netspec: 1
name: FeedForward
input: [N, T, 32]
layers:
  norm: layer_norm
  ffn: {swiglu: 64}
  head: {geglu: {hidden_features: 48, out_features: 10, bias: true, approximate: tanh}}
"""

MACS_FOR_EACH_TOKEN = 32 * 64 * 3 + 32 * 48 * 2 + 48 * 10


def finished(
    command: Sequence[str | Path], cwd: Path, code: int | None = 0
) -> "subprocess.CompletedProcess[str]":
    """Runs a command that sees nothing of this process's Python settings or checkout."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))
    }
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**environment, "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done


def lend(folder: Path) -> None:
    """Fills a folder with links to this environment's packages, except netspec and its plugins."""
    folder.mkdir()
    for home in {str(distribution(name).locate_file("")) for name in LENT}:
        for item in Path(home).iterdir():
            link = folder / item.name
            ours = "netspec" in item.name.lower()
            if not ours and item.suffix != ".pth" and not link.is_symlink():
                link.symlink_to(item)


class Environment:
    """A new virtual environment with netspec's wheel installed."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.home = folder / "venv"
        venv.create(self.home, with_pip=True, symlinks=os.name != "nt")
        self.scripts = self.home / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / "python"
        self.cwd = folder / "empty"
        self.cwd.mkdir()
        lend(folder / "lent")
        code = "import sysconfig; print(sysconfig.get_path('purelib'), end='')"
        self.site = Path(self.run("-c", code))
        (self.site / "lent.pth").write_text(f"{folder / 'lent'}\n", encoding="utf-8")
        self.install(wheel)

    def run(self, *arguments: str) -> str:
        """What Python prints; ``-I`` keeps the current folder off its path, too."""
        return finished([self.python, "-I", *arguments], self.cwd).stdout

    def install(self, wheel: Path) -> None:
        options = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
        self.run("-m", "pip", "install", *options, str(wheel))

    def netspec(self, *arguments: str, code: int = 0) -> str:
        """What the installed command prints."""
        return finished([self.scripts / "netspec", *arguments], self.cwd, code).stdout


def built(project: Path, folder: Path) -> Path:
    """The wheel of a project."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
    finished([*command, folder, project], folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin's wheel."""
    return built(PLUGIN, tmp_path_factory.mktemp("plugin"))


@pytest.fixture(scope="module")
def without_plugin(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A new environment in which only netspec is installed; use it before ``with_plugin``."""
    wheel = built(ROOT, tmp_path_factory.mktemp("netspec"))
    return Environment(tmp_path_factory.mktemp("user"), wheel)


@pytest.fixture(scope="module")
def unknown(without_plugin: Environment, spec: Path) -> list[Any]:
    """What `netspec check` finds as long as the plugin is not installed."""
    (found,) = json.loads(without_plugin.netspec("check", str(spec), "--json", code=1))
    diagnostics: list[Any] = found["diagnostics"]
    return diagnostics


@pytest.fixture(scope="module")
def with_plugin(without_plugin: Environment, unknown: list[Any], wheel: Path) -> Environment:
    """The same environment after `pip install` of the plugin's wheel, and no other step."""
    without_plugin.install(wheel)
    return without_plugin


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "model.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


def test_without_the_plugin_its_layers_are_unknown(unknown: list[Any]) -> None:
    assert [found["code"] for found in unknown] == ["unknown-layer", "unknown-layer"]
    assert ["swiglu" in found["message"] for found in unknown] == [True, False]


def test_the_installed_wheels_are_what_is_imported(with_plugin: Environment) -> None:
    code = "import netspec, netspec_transformer, json; "
    code += "print(json.dumps([netspec.__file__, netspec_transformer.__file__]))"
    for file in json.loads(with_plugin.run("-c", code)):
        path = Path(file)
        assert path.is_relative_to(with_plugin.site)
        assert (path.parent / "py.typed").is_file()
        assert ROOT not in path.resolve().parents


def test_the_spec_is_right_and_has_its_shapes(with_plugin: Environment, spec: Path) -> None:
    assert "ok" in with_plugin.netspec("check", str(spec))
    shown = json.loads(with_plugin.netspec("show", str(spec), "--json"))
    assert [layer["type"] for layer in shown["layers"]] == ["layer_norm", "swiglu", "geglu"]
    assert [layer["outputs"][0]["shape"] for layer in shown["layers"]] == [
        ["N", "T", 32],
        ["N", "T", 32],
        ["N", "T", 10],
    ]


def test_it_is_planned_without_torch_and_built_with_it(
    with_plugin: Environment, spec: Path
) -> None:
    code = f"""
import json, sys
import netspec
plan = netspec.plan({str(spec)!r})
planned_without_torch = "torch" not in sys.modules
model = netspec.build(plan, device="cpu", seed=0)
import torch
from netspec.sizes import evaluate
print(json.dumps({{
    "planned_without_torch": planned_without_torch,
    "macs": evaluate(plan.total_macs, {{"N": 2, "T": 3}}),
    "root": type(model).__name__,
    "children": [f"{{type(m).__module__}}.{{type(m).__name__}}" for m in model],
    "names": list(model.state_dict()),
    "planned": [f"{{l.path}}.{{p.name}}" for l in plan.layers for p in l.parameters],
    "output": list(model(torch.zeros(2, 3, 32)).shape),
}}))
"""
    seen = json.loads(with_plugin.run("-c", code))
    assert seen["planned_without_torch"]
    assert seen["macs"] == 2 * 3 * MACS_FOR_EACH_TOKEN
    assert seen["root"] == "Sequential"
    gated = "netspec_transformer.modules.gated"
    assert seen["children"][1:] == [f"{gated}.SwiGLU", f"{gated}.GeGLU"]
    assert seen["names"] == seen["planned"]
    assert "ffn.gate_proj.weight" in seen["names"]
    assert seen["output"] == [2, 3, 10]


def test_the_plugin_and_its_layers_are_listed(with_plugin: Environment) -> None:
    plugins = json.loads(with_plugin.netspec("plugins", "--json"))
    (found,) = [plugin for plugin in plugins if plugin["name"] == "transformer"]
    version = stated_version(PLUGIN)
    assert (found["package"], found["version"]) == ("netspec-transformer", version)
    assert found["problem"] is None
    layers = {layer["name"] for layer in json.loads(with_plugin.netspec("layers", "--json"))}
    assert {"swiglu", "geglu", "linear"} <= layers
    page = with_plugin.netspec("layers", "swiglu")
    assert "hidden_features" in page
    assert "netspec-transformer" in page


def stated_version(project: Path) -> str:
    """The version that the project's pyproject.toml states."""
    stated = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    version: str = stated["project"]["version"]
    return version


def test_the_wheel_says_what_it_needs(with_plugin: Environment) -> None:
    code = "import json; from importlib.metadata import metadata; "
    code += "print(json.dumps(metadata('netspec-transformer').json))"
    metadata = json.loads(with_plugin.run("-c", code))
    assert {"netspec>=0.1", "torch"} <= set(metadata["requires_dist"])
    assert metadata["license_expression"] == "MIT"
