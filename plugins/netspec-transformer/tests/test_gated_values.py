"""The modules against the paper's formulas, written out by hand."""

import math
from collections.abc import Callable

import pytest
import torch
from netspec_transformer.modules import GeGLU, SwiGLU
from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]


def silu(x: Tensor) -> Tensor:
    return x / (1 + torch.exp(-x))


def gelu(x: Tensor) -> Tensor:
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def gelu_tanh(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("module_class", "options", "activation"),
    [
        (SwiGLU, {}, silu),
        (GeGLU, {}, gelu),
        (GeGLU, {"approximate": "tanh"}, gelu_tanh),
    ],
)
def test_the_module_computes_the_formula_of_the_paper(
    module_class: type[nn.Module], options: dict[str, str], activation: Activation, bias: bool
) -> None:
    torch.manual_seed(0)
    module = module_class(5, 7, 3, bias, **options).double()
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    weights = module.state_dict()

    def linear(name: str, x: Tensor) -> Tensor:
        shift = weights[f"{name}.bias"] if bias else torch.zeros(())
        return torch.add(x @ weights[f"{name}.weight"].T, shift)

    hidden = activation(linear("gate_proj", x)) * linear("up_proj", x)
    expected = linear("down_proj", hidden)
    torch.testing.assert_close(module(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("module_class", [SwiGLU, GeGLU])
def test_the_output_has_the_size_of_the_input_by_default(module_class: type[nn.Module]) -> None:
    module = module_class(5, 7)
    assert module(torch.randn(5)).shape == (5,)
    assert sorted(module.state_dict()) == ["down_proj.weight", "gate_proj.weight", "up_proj.weight"]


def test_a_wrong_approximation_is_refused_by_torch_as_in_gelu() -> None:
    with pytest.raises(RuntimeError, match="approximate"):
        GeGLU(2, 2, approximate="erf")(torch.randn(2))  # type: ignore[arg-type]
