"""What is built of a spec is a module like any other: copied, pickled, exported, compiled."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

import netspec
from tests.families.compare import tensors

SPECS = Path(__file__).parents[2] / "specs"


class Case(NamedTuple):
    """A model with inputs of two sizes."""

    file: str
    variant: str | None
    inputs: tuple[Tensor, ...]
    others: tuple[Tensor, ...]


def images(*shape: int) -> tuple[Tensor]:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(0)),)


def tokens(*shape: int) -> tuple[Tensor]:
    return (torch.randint(0, 32, shape, generator=torch.Generator().manual_seed(0)),)


CASES = {
    "unet": Case("unet", None, images(2, 1, 16, 24), images(3, 1, 32, 16)),
    "gpt2_like": Case("gpt2_like", None, tokens(2, 10), tokens(3, 20)),
    "llama_like": Case("llama_like", None, tokens(2, 10), tokens(3, 20)),
    "lstm_classifier": Case("lstm_classifier", None, tokens(2, 10), tokens(3, 10)),
    "two_tower": Case("two_tower", None, images(2, 8) * 2, images(3, 8) * 2),
    "vae": Case("vae", None, images(2, 1, 8, 8), images(3, 1, 8, 8)),
    "wavenet_like": Case("wavenet_like", None, images(2, 1, 40), images(3, 1, 50)),
    "resnet18": Case("torchvision/resnet", "resnet18", images(2, 3, 64, 96), images(3, 3, 96, 64)),
    "lraspp": Case(
        "torchvision/segmentation",
        "lraspp_mobilenet_v3_large",
        images(2, 3, 64, 96),
        images(3, 3, 96, 64),
    ),
    "vit_b_32": Case(
        "torchvision/vision_transformer", "vit_b_32", images(2, 3, 224, 224), images(3, 3, 224, 224)
    ),
}


def built(case: Case) -> nn.Module:
    path = SPECS / f"{case.file}.yaml"
    return netspec.build(path, variant=case.variant, device="cpu", seed=0).eval()


def alike(one: object, other: object) -> bool:
    pairs = zip(tensors(one), tensors(other), strict=True)
    return all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)


@pytest.mark.parametrize("name", CASES)
def test_copies_and_pickles_do_the_same(name: str) -> None:
    model, inputs = built(CASES[name]), CASES[name].inputs
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert list(other.state_dict()) == list(model.state_dict())
        assert len(list(other.parameters())) == len(list(model.parameters()))  # ties stay
        assert alike(other(*inputs), model(*inputs))


@pytest.mark.parametrize("name", CASES)
def test_they_are_exported_with_symbolic_sizes(name: str) -> None:
    case = CASES[name]
    model = built(case)
    dynamic = tuple(
        {
            dim: torch.export.Dim.DYNAMIC
            for dim, (size, met) in enumerate(zip(one.shape, other.shape, strict=True))
            if size != met
        }
        for one, other in zip(case.inputs, case.others, strict=True)
    )
    is_flow = not isinstance(model, nn.Sequential)  # whose forward takes *inputs
    exported = torch.export.export(
        model, case.inputs, dynamic_shapes=(dynamic,) if is_flow else dynamic
    )
    assert alike(exported.module()(*case.others), model(*case.others))


#: Dynamo takes half a minute for each of these.
LARGE = {"lraspp", "vit_b_32"}
COMPILED = [
    pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name
    for name in CASES
    if name != "lstm_classifier"
]


@pytest.mark.parametrize("name", COMPILED)
def test_they_are_compiled_whole(name: str) -> None:
    """torch.compile does not take an nn.LSTM whole, in hand-written code either."""
    case = CASES[name]
    model = built(case)
    torch.compiler.reset()
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    assert alike(compiled(*case.inputs), model(*case.inputs))
    assert alike(compiled(*case.others), model(*case.others))
