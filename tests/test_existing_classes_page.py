"""docs/existing_classes.md: its package is written, and all that it shows is run."""

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import netspec
from netspec.cli.main import main
from netspec.plugin import FromClass, hookimpl

PAGE = (Path(__file__).parents[1] / "docs" / "existing_classes.md").read_text("utf-8")
BLOCKS = [
    (kind, dedent(text))
    for kind, text in re.findall(r"^ *```(\w+)\n(.*?)^ *```", PAGE, re.M | re.S)
]
FILES = {
    text.partition("\n")[0].removeprefix("# "): text
    for kind, text in BLOCKS
    if re.match(r"# [\w/]+\.(py|yaml)\n", text)
}
SNIPPETS = [text for kind, text in BLOCKS if kind == "python" and text not in FILES.values()]
CONSOLES = [text for kind, text in BLOCKS if kind == "console"]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[netspec.Registry]:
    """The page's files, and a registry with its plugin."""
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETSPEC_CACHE", str(tmp_path / "cache"))
    registry = netspec.Registry()
    registry.register(import_module("my_layers.plugin"), name="my", package="netspec-my-layers")
    yield registry
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_layers"]:
        del sys.modules[name]


def test_the_consoles(
    package: netspec.Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("netspec.api", "netspec.registry"):
        monkeypatch.setattr(f"{module}.default_registry", lambda: package)
    assert len(CONSOLES) == 2
    for console in CONSOLES:
        command, _, shown = console.partition("\n")
        main(command.removeprefix("$ netspec ").split())
        captured = capsys.readouterr()
        printed = captured.out + captured.err
        for line in shown.splitlines():
            assert re.sub(r"\.\.\.$", "", line) in printed, printed


def test_the_specs_and_what_is_proven(package: netspec.Registry) -> None:
    for name, trusts in (("mixer.yaml", ["probed"] * 2), ("stated.yaml", ["stated", "rule"])):
        plan = netspec.plan(name, registry=package)
        assert [row.trust for row in plan.layers] == trusts
    proven = netspec.plan("mixer.yaml", registry=package, prove=True)
    assert [row.trust for row in proven.layers] == ["proven"] * 2


def test_the_declarations(package: netspec.Registry) -> None:
    """The one that infers an argument, and the one with a rule, plan as the page's first does."""
    inferred, ruled = SNIPPETS
    names: dict[str, Any] = {"__name__": "page"}
    for text in (inferred, ruled):
        exec(compile(text, "page", "exec"), names)

    class Plugin:
        @hookimpl
        def netspec_layers(self) -> list[FromClass]:
            return [names["mixer_block"], names["ruled_block"]]

    registry = netspec.Registry()
    registry.register(Plugin(), name="snippets", package="page")
    text = "netspec: 1\ninput: [N, 24, 16]\nlayers: [mixer_block: 24, "
    text += "ruled_block: {tokens: 24, dim: 16}]\n"
    first, second = netspec.plan(netspec.loads(text), registry=registry).layers
    assert (first.trust, second.trust) == ("probed", "rule")
    assert first.parameters == second.parameters
    assert first.outputs == second.outputs
