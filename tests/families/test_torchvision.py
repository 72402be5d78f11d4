"""Every model of torchvision as YAML: names, shapes, values, training, fresh weights, costs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torchvision import models

import netspec
from tests.families import compare

FILES = compare.variants()
CLASSIFIERS = models.list_models(module=models)
#: A small model of each family, for values.
SMALL = [
    "alexnet", "vgg11_bn", "squeezenet1_1", "densenet121", "googlenet", "inception_v3", "resnet18",
    "resnext50_32x4d", "mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5", "shufflenet_v2_x0_5",
    "efficientnet_b0", "efficientnet_v2_s", "regnet_x_400mf", "regnet_y_400mf", "convnext_tiny",
    "vit_b_32", "swin_t", "swin_v2_t", "maxvit_t", "lraspp_mobilenet_v3_large", "r3d_18",
    "mc3_18", "r2plus1d_18", "fcn_resnet50", "deeplabv3_resnet50", "s3d", "swin3d_t",
    "mvit_v1_b", "mvit_v2_s",
]  # fmt: skip
#: Those of seconds a step: their keys, shapes and costs are compared every time, values in the
#: slow tier.
HEAVY = {"inception_v3", "s3d", "swin3d_t", "mvit_v1_b", "mvit_v2_s"}
EACH_SMALL = [
    pytest.param(name, marks=pytest.mark.slow) if name in HEAVY else name for name in SMALL
]
#: Costs follow from the same layers in all sizes of a family.
EACH_COSTED = [
    pytest.param(name, marks=() if name in SMALL else pytest.mark.slow) for name in sorted(FILES)
]


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


@pytest.mark.parametrize("name", EACH_SMALL)
def test_values_and_a_step_of_training(name: str) -> None:
    ours = netspec.build(FILES[name], variant=name, device="cpu")
    with compare.without_init():
        reference = compare.theirs(name)
    inputs = compare.sample(name)
    assert compare.different_values(ours, reference, inputs) == []
    assert compare.different_training(ours, reference, inputs) == []


@pytest.mark.parametrize("name", SMALL)
def test_fresh_weights(name: str) -> None:
    torch.manual_seed(7)
    reference = compare.theirs(name)
    ours = netspec.build(FILES[name], variant=name, device="cpu", seed=7)
    assert compare.different_beginnings(ours, reference) == []


@pytest.mark.parametrize("name", EACH_COSTED)
def test_one_symbolic_plan_tells_shapes_and_costs(name: str) -> None:
    plan = netspec.plan(FILES[name], variant=name)
    assert compare.different_costs(name, plan, compare.theirs(name, init=False)) == []


@pytest.mark.parametrize("name", EACH_SMALL)
def test_what_training_saves_for_backward(name: str) -> None:
    plan = netspec.plan(FILES[name], variant=name)
    with compare.without_init():
        ours = netspec.build(plan, device="cpu")
    ratio = compare.saved_ratio(plan, ours, compare.sample(name))
    assert ratio == pytest.approx(1, abs=compare.MOST_OFF)


@pytest.mark.parametrize("name", SMALL)
def test_values_are_freed_as_early_as_torchvision_frees_them(name: str) -> None:
    ours = netspec.build(FILES[name], variant=name, device="meta")
    ratio = compare.peak_ratio(name, ours, compare.theirs(name, init=False))
    assert ratio <= compare.most_peak(name)


def test_the_classifiers_are_short() -> None:
    files = {FILES[name] for name in CLASSIFIERS}
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    assert len(files) == 17
    assert len(lines) <= 800
    assert max(map(len, lines)) <= 120
