"""Mistakes of plugins, which no spec can bring about alone, are diagnostics at the layer."""

from typing import Any

import pytest

import netspec
from netspec.plugin import LayerType, Output, Refusal, TensorType, hookimpl

TEXT = "netspec: 1\ninput: [N, 8]\nlayers:\n  - relu\n  - {name: sun, sunny: }\n"


class Plugin:
    """A layer `sunny` with a rule and a class of one's choice."""

    def __init__(self, target: str = "torch.nn.ReLU", problem: Exception | None = None) -> None:
        self.target = target
        self.problem = problem

    @hookimpl
    def netspec_layers(self) -> Any:
        def sunny(input: TensorType) -> Output:
            if self.problem:
                raise self.problem
            return Output(input.shape)

        return [LayerType("sunny", self.target, sunny)]


class Dropping:
    @hookimpl
    def netspec_place(self, module: Any, path: str, device: str) -> Any:
        if path == "sun":
            raise Refusal("it fell\noff the truck")
        return None


def registry(*plugins: object) -> netspec.Registry:
    made = netspec.Registry()
    for number, plugin in enumerate(plugins):
        made.register(plugin, name=f"plugin{number}", package="netspec-sunny", version="1.2")
    return made


def test_a_rule_that_fails() -> None:
    plugins = registry(Plugin(problem=ZeroDivisionError("division by zero")))
    (found,) = netspec.check(netspec.loads(TEXT, "m.yaml"), registry=plugins)
    assert str(found) == (
        "m.yaml:5:17: error: the rule of sunny failed: ZeroDivisionError: division by zero"
        " [rule-failed]\n"
        "    5 |   - {name: sun, sunny: }\n"
        "      |                 ^^^^^\n"
        "   = note: sunny `sun` gets [N, 8]\n"
        "   = help: this is a mistake in netspec-sunny 1.2, tell its authors"
    )
    assert found.code == "rule-failed"


@pytest.mark.parametrize(
    ("plugins", "code", "message"),
    [
        ([Plugin("netspec_nowhere.Sunny")], "build-failed", "No module named 'netspec_nowhere'"),
        ([Plugin("torch.nn.Sunny")], "build-failed", "has no attribute 'Sunny'"),
        ([Plugin("torch.nn.Linear")], "build-failed", "in_features"),
        ([Plugin("builtins.dict")], "build-failed", "makes a dict, not an nn.Module"),
        ([Plugin(), Dropping()], "placement-failed", "it fell"),
    ],
)
def test_a_model_that_cannot_be_made(plugins: list[object], code: str, message: str) -> None:
    with pytest.raises(netspec.SpecError) as caught:
        netspec.build(netspec.loads(TEXT, "m.yaml"), device="cpu", registry=registry(*plugins))
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert message in found.message
    assert str(found).startswith("m.yaml:5:17: error: ")
