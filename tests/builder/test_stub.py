"""The generated stub: what an editor and a type checker know of the builder."""

import inspect
from pathlib import Path

import pytest

from netspec.builder import builder
from netspec.builder.stub import stub
from netspec.registry import Registry

PROGRAM = """\
import netspec

net = netspec.Builder("N", 1, 28, 28)
reveal_type(net.flatten().linear(512, bias=False).relu().softmax(1))
net.conv2d(8, kernel_size=(3, 3), padding="same", name="stem", repeat=2)
net.residual(lambda net: net.relu(), device="cpu").layer("swiglu", hidden_features=8)
net.linear("ten")
net.linear(10, bia=True)
net.conv2d(8, 3, padding_mode="mirror")
net.linaer(3)
net.linear()
"""


def test_the_stub_is_up_to_date() -> None:
    written = Path(inspect.getfile(builder)).with_suffix(".pyi").read_text(encoding="utf-8")
    assert written == stub(Registry()), "run `make stubs`"


def test_the_stub_has_the_layers_own_arguments() -> None:
    text = stub(Registry())
    assert "def conv2d(\n        self,\n        out_channels: int,\n" in text
    assert "        in_channels: int = ...,\n" in text
    assert 'padding: int | tuple[int, int] | list[int] | Literal["valid", "same"] = 0,' in text
    assert "        bias: bool = True,\n" in text


def test_a_type_checker_finds_what_the_builder_would_refuse(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    out, _, _ = api.run(["--strict", "--no-incremental", str(program)])
    found = {}
    for line in out.splitlines():
        if line.startswith(str(program)):
            _, number, message = line.removeprefix(str(program)).split(":", 2)
            found[int(number)] = message.strip()
    assert set(found) == {4, 7, 8, 9, 10, 11}
    assert "netspec.builder.builder.Builder" in found[4]
    assert "linaer" in found[10]
