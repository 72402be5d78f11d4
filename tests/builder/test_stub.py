"""The generated stub: what an editor and a type checker know of the builder."""

import importlib
import inspect
from pathlib import Path

import pytest

import netspec
from netspec.builder import builder
from netspec.builder.stub import stub
from netspec.cli.main import main
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


PLUGINS_PROGRAM = """\
from builder import Builder

net = Builder("N", "T", 64)
reveal_type(net.linear(8).swiglu(256).relu())
net.swiglu("wide")
net.rotary_embeding()
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
    found = checked(PROGRAM, tmp_path)
    assert set(found) == {4, 7, 8, 9, 10, 11}
    assert "netspec.builder.builder.Builder" in found[4]
    assert "linaer" in found[10]


def test_netspec_stubs_tells_a_type_checker_of_the_layers_of_plugins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "builder.py"
    assert main(["stubs", "-o", str(module)]) == 0
    assert main(["stubs", "-o", str(module)]) == 0  # its own file is written anew
    other = tmp_path / "other.py"
    other.write_text("x = 1\n")
    assert main(["stubs", "-o", str(other)]) == 2
    assert "--force replaces it" in capsys.readouterr().err
    found = checked(PLUGINS_PROGRAM, tmp_path)
    assert set(found) == {4, 5, 6}
    assert 'Revealed type is "builder.Builder"' in found[4]
    assert 'incompatible type "str"; expected "int"' in found[5]
    assert "rotary_embedding" in found[6]
    monkeypatch.syspath_prepend(tmp_path)
    assert importlib.import_module("builder").Builder is netspec.Builder


def checked(program: str, folder: Path) -> dict[int, str]:
    """What mypy says of a program, by line."""
    api = pytest.importorskip("mypy.api")
    path = folder / "program.py"
    path.write_text(program)
    out, _, _ = api.run(["--strict", "--no-incremental", str(path)])
    found = {}
    for line in out.splitlines():
        if line.startswith(str(path)):
            _, number, message = line.removeprefix(str(path)).split(":", 2)
            found[int(number)] = message.strip()
        else:
            assert "error:" not in line, line
    return found
