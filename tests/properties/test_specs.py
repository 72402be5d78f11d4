"""For random whole specs: the plan is what torch does, and what is written is read back."""

import json
import pickle
import re
from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import event, given, settings
from torch import nn

import netspec
from netspec.planning import Plan
from netspec.registry import Registry
from netspec.sizes import evaluate, substitute
from netspec.spec import SizeRange
from netspec.testing import specs, trees
from netspec.testing.survival import same_specs

REGISTRY = Registry()


def seen(output: Any) -> list[tuple[Any, str]]:
    """The shape and dtype of each tensor of an output, which may be a nested tuple."""
    if isinstance(output, torch.Tensor):
        return [(tuple(output.shape), str(output.dtype).removeprefix("torch."))]
    return [pair for value in output for pair in seen(value)]


def run(model: nn.Module, plan: Plan, values: dict[str, int]) -> dict[str, list[tuple[Any, str]]]:
    """What each layer gives, by its path; the model's own output is under ``""``."""
    given: dict[str, list[tuple[Any, str]]] = {}

    def watch(path: str, module: nn.Module) -> None:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            given[path] = seen(output)

        module.register_forward_hook(hook)

    for row in plan.layers:
        watch(row.path, model.get_submodule(row.path))
    kind = plan.inputs[0].type
    shape = [evaluate(size, values) for size in kind.shape]
    with torch.no_grad():
        output = model.eval()(torch.zeros(shape, dtype=getattr(torch, kind.dtype), device="meta"))
    given[""] = seen(output)
    return given


def accepted_numbers(spec: netspec.Spec, plan: Plan) -> list[dict[str, int]]:
    """A few legal numbers for the named sizes that fulfil the plan's conditions."""
    stated = {known.name: known for given in spec.inputs for known in given.sizes}
    wanted = [{"N": n, "C": c, "H": h, "W": w} for n in (0, 1, 3) for c in (1, 4)
              for h, w in ((9, 8), (32, 33))]  # fmt: skip
    points = [{name: legal(n, stated.get(name)) for name, n in p.items()} for p in wanted]
    fit = [p for p in points if all(eval(c.text, {}, dict(p)) for c in plan.conditions)]
    return [p for p in fit if not fails_on_meta(plan, p)][:3]


def legal(number: int, stated: SizeRange | None) -> int:
    """A legal number near ``number``; there is one, as ranges are drawn."""
    if stated is None:
        return number
    step, most = stated.multiple_of, stated.max
    number = -(-max(number, stated.min or 0) // step) * step
    return number if most is None else min(number, most // step * step)


def fails_on_meta(plan: Plan, values: dict[str, int]) -> bool:
    """In torch 2.14 nearest interpolation of nothing fails on meta, with a TypeError of its own."""
    nearest = ("interpolate", "upsample", "upsampling_nearest2d")
    interpolated = [row.inputs[0] for row in plan.layers if row.type in nearest]
    return any(substitute(size, values) == 0 for input in interpolated for size in input.shape)


def planned_or_refused(spec: netspec.Spec, drawn: Counter[str]) -> Plan | None:
    try:
        plan = netspec.plan(spec, registry=REGISTRY)
    except netspec.SpecError:
        drawn["refused"] += 1
        event("refused")
        return None
    drawn["accepted"] += 1
    event(f"accepted, {len(plan.layers) // 5 * 5} layers or more")
    return plan


def is_a_value(spec: netspec.Spec, plan: Plan) -> None:
    """It is equal to others of its kind, but where an argument is nan, which equals nothing."""
    plan.graph.lint()
    text = plan.to_json()
    others = [
        netspec.plan(spec, registry=REGISTRY),
        pickle.loads(pickle.dumps(plan)),
        Plan.from_json(text, REGISTRY),
    ]
    for other in others:
        assert other.to_json() == text
        assert other == plan or '"nan"' in text, spec.to_yaml()


def does_what_was_planned(spec: netspec.Spec, plan: Plan) -> None:
    is_a_value(spec, plan)
    model = netspec.build(plan, device="meta", registry=REGISTRY)
    assert (type(model) is nn.Sequential) == plan.graph.is_chain
    for values in accepted_numbers(spec, plan):
        real = run(model, plan, values)
        for row in (*plan.layers, None):
            path = row.path if row else ""
            expected = [
                (tuple(substitute(size, values) for size in output.shape), output.dtype)
                for output in (row.outputs if row else plan.outputs)
            ]
            assert real[path] == expected, f"{path!r} of\n{spec.to_yaml()}"
    state = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    planned = {
        f"{row.path}.{part.name}": part.shape
        for row in plan.layers
        for part in (*row.parameters, *row.buffers)
    } | {parameter.path: parameter.shape for parameter in plan.parameters}
    assert planned == state


@pytest.mark.filterwarnings("ignore")
def test_random_models_do_what_was_planned() -> None:
    drawn = Counter[str]()

    @given(specs(REGISTRY))
    def law(spec: netspec.Spec) -> None:
        plan = planned_or_refused(spec, drawn)
        if plan is not None:
            does_what_was_planned(spec, plan)

    law()
    assert drawn["accepted"] >= (drawn.total() / 4 if drawn.total() >= 200 else 1), drawn


@pytest.mark.filterwarnings("ignore")
def test_deep_random_models_do_what_was_planned() -> None:
    """Chains of up to 30 items, each a layer or a composite of some."""
    drawn, depths = Counter[str](), list[int]()

    @settings(max_examples=settings().max_examples // 2)
    @given(specs(REGISTRY, max_items=30, depth=3))
    def law(spec: netspec.Spec) -> None:
        plan = planned_or_refused(spec, drawn)
        if plan is not None:
            depths.append(len(plan.layers))
            does_what_was_planned(spec, plan)

    law()
    assert drawn["accepted"] >= (drawn.total() / 4 if drawn.total() >= 200 else 1), drawn
    assert max(depths) >= 25, depths


@given(trees(REGISTRY))
def test_what_is_written_is_read_back(tree: dict[str, object]) -> None:
    spec = netspec.from_dict(tree)
    text = spec.to_yaml()
    assert_same(netspec.loads(text), spec)
    assert netspec.loads(text).to_yaml() == text


def assert_same(one: netspec.Spec, other: netspec.Spec) -> None:
    """Equal, or the same to the letter: nan is not equal to itself."""
    assert one == other or same_specs(one, other)


def one_escape(pair: re.Match[str]) -> str:
    return f"\\U{ord(json.loads(chr(34) + pair[0] + chr(34))):08x}"


@given(trees(REGISTRY))
def test_a_tree_and_its_json_say_the_same(tree: dict[str, object]) -> None:
    """JSON is YAML, but for 1e400 and for letters written as a pair of surrogates."""
    try:
        text = json.dumps(tree, allow_nan=False)
    except ValueError:
        return
    text = re.sub(r"\\ud[89ab]..\\ud[c-f]..", one_escape, text)
    assert_same(netspec.loads(text), netspec.from_dict(tree))


@given(trees(REGISTRY) | specs(REGISTRY).map(netspec.Spec.to_yaml))
def test_random_specs_are_checked_without_a_failure(tree: dict[str, object] | str) -> None:
    spec = netspec.loads(tree) if isinstance(tree, str) else netspec.from_dict(tree)
    for found in netspec.check(spec, registry=REGISTRY):
        assert found.code != "rule-failed", str(found)
        assert str(found)
