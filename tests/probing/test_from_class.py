"""A layer that is declared by its class: what its signature says, and when it is read."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional

import pytest
from torch import nn

import netspec
from netspec.cli.main import main
from netspec.declaration.class_signature import class_signature
from netspec.plugin import Inferred, Output, TensorType, from_class, hookimpl, last_size, layer

MODULES = "tests.probing.modules"


class Everything(nn.Module):
    def __init__(  # type: ignore[no-untyped-def]
        self,
        a: int,
        b: float = 0.5,
        c: Optional[int] = None,  # noqa: UP045
        d: list[int] | int = (1, 2),  # type: ignore[assignment]
        e: Literal["x", "y"] = "x",
        f: int = None,  # type: ignore[assignment]  # noqa: RUF013
        g=True,
        h=(3, 3),
        device: Any = None,
        _own: Any = None,
    ) -> None:
        super().__init__()

    def forward(self, x, mask: "Tensor | None" = None, flag: bool = False):  # type: ignore # noqa
        return x


def test_arguments_and_inputs_are_read_from_the_class() -> None:
    declared = from_class(f"{MODULES}.ConvBlock")
    assert declared.name == "conv_block"
    assert {name: (a.describe(), a.required) for name, a in declared.arguments.items()} == {
        "in_channels": ("a whole number", True),
        "out_channels": ("a whole number", True),
        "stride": ("a whole number", False),
        "pool": ("a whole number", False),
    }
    found = class_signature(Everything, {}).signature
    assert list(found.parameters) == [*("x", "mask"), *"abcdefgh"]
    assert found.parameters["f"].annotation == (int | None)
    assert found.parameters["d"].annotation == (tuple[int, ...] | int)
    assert found.parameters["h"].annotation == tuple[int, ...]


def test_hints_of_the_declaration_make_an_argument_follow_from_the_input() -> None:
    dim = Annotated[int, Inferred("the input's last size", last_size)]
    declared = from_class(
        f"{MODULES}.MixerBlock", obvious="tokens", hints={"dim": dim}, about="Mixes."
    )
    assert (declared.required, declared.summary) == (("tokens",), "Mixes.")
    registry = registry_of(declared)
    spec = netspec.loads("netspec: 1\ninput: [N, 6, 8]\nlayers: [mixer_block: 6]\n")
    (row,) = netspec.plan(spec, registry=registry).layers
    assert row.arguments == {"tokens": 6, "dim": 8, "hidden": 8}


def registry_of(*layers: Any) -> netspec.Registry:
    class Plugin:
        @hookimpl
        def netspec_layers(self) -> list[Any]:
            return list(layers)

    registry = netspec.Registry()
    registry.register(Plugin(), name="mine", package="netspec-mine")
    return registry


def test_a_rule_may_leave_its_arguments_to_the_class() -> None:
    @layer(f"{MODULES}.Attention")
    def attend(input: TensorType, **arguments: Any) -> Output:
        """Attends."""
        assert arguments == {"dim": 8, "heads": 4}
        return Output(input.shape)

    assert list(attend.arguments) == ["dim", "heads"]
    spec = netspec.loads("netspec: 1\ninput: [N, T, 8]\nlayers: [attend: {heads: 4}]\n")
    (row,) = netspec.plan(spec, registry=registry_of(attend)).layers
    assert (str(row.outputs[0]), row.trust) == ("[N, T, 8]", "rule")


def test_nothing_is_imported_before_the_layer_is_used() -> None:
    code = """
import sys
import netspec
from netspec.plugin import from_class, hookimpl

class Plugin:
    @hookimpl
    def netspec_layers(self):
        return [from_class("tests.probing.modules.MixerBlock")]

registry = netspec.Registry()
registry.register(Plugin(), name="mine", package="netspec-mine")
netspec.plan(netspec.loads("netspec: 1\\ninput: [N, 4]\\nlayers: [linear: 3]"), registry=registry)
names = [one.layer.summary for one in registry.layers().values()]
print("torch" in sys.modules, names[-1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False Makes ``tests.probing.modules.MixerBlock``.\n"


def test_an_argument_that_no_spec_can_write_keeps_its_default(registry: netspec.Registry) -> None:
    """It is left out, and whoever writes it reads why."""
    text = "netspec: 1\ninput: [N, 8]\nlayers: [takes_module: {}]\n"
    model = netspec.build(netspec.loads(text.format("3")), registry=registry, device="cpu")
    assert type(model[0].inner) is nn.ReLU  # type: ignore[index]
    wrong = netspec.loads(text.format("{dim: 3, make: gelu}"))
    with pytest.raises(netspec.SpecError) as raised:
        netspec.plan(wrong, registry=registry)
    assert "has the type hint" in str(raised.value)
    assert "`hints={'make': int}` in the declaration" in str(raised.value)


def test_the_declaration_has_defaults_for_what_no_spec_can_write() -> None:
    """The dotted path of a class, or a value in place of the class's own."""
    defaults = {"make": "torch.nn.GELU", "drop": 0.25}
    declared = from_class(f"{MODULES}.NeedsModule", defaults=defaults)
    assert list(declared.arguments) == ["dim", "drop"]
    assert declared.defaults == {"drop": 0.25}
    assert set(declared.left_out) == {"make", "norm"}

    class Plugin:
        @hookimpl
        def netspec_layers(self) -> list[Any]:
            return [declared]

    registry = netspec.Registry()
    registry.register(Plugin(), name="mine")
    text = "netspec: 1\ninput: [N, 8]\nlayers: [needs_module: 8, needs_module: {dim: 8, drop: 0.0}]"
    text = text.replace(", needs_module: {", ", {needs_module: {").replace("0.0}]", "0.0}}]")
    model = netspec.build(netspec.loads(text), registry=registry, device="cpu")
    first, second = model.children()
    assert (type(first.inner), type(first.norm)) == (nn.GELU, nn.LayerNorm)
    assert [str(one.drop)[10:14] for one in (first, second)] == ["0.25", "0.0,"]


def test_the_builder_and_the_command_line(
    registry: netspec.Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    net = netspec.Builder("N", 6, 8, registry=registry)
    assert str(net.mixer_block(6, 8).output_shape) == "(N, 6, 8)"  # type: ignore[attr-defined]
    with pytest.raises(netspec.SpecError, match="no type hint"):
        net.unhinted(3)  # type: ignore[attr-defined]
    assert main(["layers", "squeeze_excitation", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["obvious_argument"] == "squeeze_channels"


def test_show_marks_what_is_not_of_a_rule(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("netspec: 1\ninput: [N, 16, 8, 8]\nlayers: [squeeze_excitation: 4, relu]\n")
    seen: Callable[[], str] = lambda: capsys.readouterr().out  # noqa: E731
    assert main(["show", str(file)]) == 0
    assert "squeeze_excitation(4) (probed)" in seen()
    assert main(["show", str(file), "--prove", "--json"]) == 0
    assert [row["shapes"] for row in json.loads(seen())["layers"]] == ["proven", "rule"]
    assert main(["check", str(file), "--prove"]) == 0
