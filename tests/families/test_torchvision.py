"""Every model of torchvision as YAML: names, shapes, values, training, fresh weights, costs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

import netspec
from netspec.sizes import substitute
from tests.families import compare

FILES = compare.variants()
CLASSIFIERS = models.list_models(module=models)
#: A small model of each family, for values.
SMALL = [
    "alexnet", "vgg11_bn", "squeezenet1_1", "densenet121", "googlenet", "inception_v3", "resnet18",
    "resnext50_32x4d", "mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5", "shufflenet_v2_x0_5",
    "efficientnet_b0", "efficientnet_v2_s", "regnet_x_400mf", "regnet_y_400mf", "convnext_tiny",
    "vit_b_32", "swin_t", "swin_v2_t", "maxvit_t", "lraspp_mobilenet_v3_large", "r3d_18",
    "mc3_18", "r2plus1d_18", "fcn_resnet50", "deeplabv3_resnet50", "s3d",
]  # fmt: skip
#: Models of frames.
VIDEO = ("r3d_18", "mc3_18", "r2plus1d_18", "s3d")
#: Models that take one size only.
ONE_SIZE = ("vit", "maxvit")


def test_every_classifier_has_a_spec() -> None:
    assert set(CLASSIFIERS) <= FILES.keys()
    assert len(CLASSIFIERS) == 80


def test_every_segmentation_model_has_a_spec() -> None:
    assert set(models.list_models(module=models.segmentation)) <= FILES.keys()


def test_every_video_model_has_a_spec() -> None:
    assert set(models.list_models(module=models.video)) <= FILES.keys()


@pytest.mark.parametrize("path", sorted(set(FILES.values())), ids=lambda path: path.stem)
def test_the_specs_are_checked_without_a_warning(path: Any) -> None:
    assert netspec.check(path) == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_keys_their_order_and_shapes(name: str) -> None:
    ours = netspec.build(FILES[name], variant=name, device="meta")
    assert compare.keys(ours) == compare.keys(compare.theirs(name, init=False))


@pytest.mark.parametrize("name", SMALL)
def test_values_and_a_step_of_training(name: str) -> None:
    ours = netspec.build(FILES[name], variant=name, device="cpu")
    with compare.without_init():
        reference = compare.theirs(name)
    assert compare.same_values(ours, reference, compare.image(name)) == []


@pytest.mark.parametrize("name", SMALL)
def test_fresh_weights(name: str) -> None:
    torch.manual_seed(7)
    reference = compare.theirs(name)
    ours = netspec.build(FILES[name], variant=name, device="cpu", seed=7)
    assert compare.unlike_beginnings(ours, reference) == []


@pytest.mark.parametrize("name", SMALL)
def test_one_symbolic_plan_tells_shapes_and_costs(name: str) -> None:
    plan = netspec.plan(FILES[name], variant=name)
    with compare.without_init():
        model = compare.theirs(name).eval().to("meta")
    assert plan.total_params == sum(p.numel() for p in model.parameters())
    sizes = [(224, 224)] if name.startswith(ONE_SIZE) else [(224, 224), (256, 192)]
    if name.startswith("inception"):
        sizes = [(299, 299), (320, 310)]
    if name == "s3d":
        sizes = [(224, 224), (256, 240)]
    for height, width in sizes:
        shape = (2, 3, 16, height, width) if name in VIDEO else (2, 3, height, width)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            (output,) = compare.tensors(model(torch.empty(shape, device="meta")))
        numbers = {"N": 2, "T": 16, "H": height, "W": width}
        assert tuple(substitute(size, numbers) for size in plan.output_shape) == output.shape
        macs = substitute(plan.total_macs, numbers)
        assert isinstance(macs, int)
        assert 2 * macs == counter.get_total_flops()
