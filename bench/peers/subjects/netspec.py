"""netspec itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import netspec
from bench.measure import Work
from bench.peers.peer import Attempt, Peer, Way
from bench.peers.rows import FORWARD_LAYERS, LAYERS, WIDTH, with_weights
from netspec.declaration import TensorType
from netspec.diagnostics import Diagnostics
from netspec.planning.planner import Planner
from netspec.registry import default_registry
from netspec.spec import Layer

MLP = """\
netspec: 1
input: [N, 28, 28]
layers: [flatten, linear: 512, relu, linear: 512, relu, linear: 10, softmax: 1]
"""
MLP_VALUES = {
    "netspec": 1,
    "input": ["N", 28, 28],
    "layers": ["flatten", *[{"linear": 512}, "relu"] * 2, {"linear": 10}, {"softmax": 1}],
}


def chain(layers: int) -> str:
    items = "".join([f"- linear: {WIDTH}\n- relu\n"] * (layers // 2))
    return f"netspec: 1\ninput: [N, {WIDTH}]\nlayers:\n{items}"


def chain_values(layers: int) -> dict[str, object]:
    items = [{"linear": WIDTH}, "relu"] * (layers // 2)
    return {"netspec": 1, "input": ["N", WIDTH], "layers": items}


def peer(command: str) -> Peer:
    return Peer("netspec", "netspec", _ways(), _attempts(command))


# ---- the measured tasks


def _ways() -> tuple[Way, ...]:
    text, values = chain(LAYERS), chain_values(LAYERS)
    return (
        Way("mlp", "YAML text", lambda: lambda: _built(netspec.loads(MLP))),
        Way("mlp", "dict", lambda: lambda: _built(netspec.from_dict(MLP_VALUES))),
        Way("mlp", "Plan", _from_plan(MLP)),
        Way("build", "YAML text", lambda: lambda: _built(netspec.loads(text))),
        Way("build", "dict", lambda: lambda: _built(netspec.from_dict(values))),
        Way("build", "Plan", _from_plan(text)),
        Way("forward", "", lambda: with_weights(_built(netspec.loads(chain(FORWARD_LAYERS))))),
        Way("check", "plan, YAML text", lambda: lambda: netspec.plan(netspec.loads(text))),
        Way("check", "plan, dict", lambda: lambda: netspec.plan(netspec.from_dict(values))),
        Way("check", "plan, Spec", _plan_spec),
        Way("shapes", "plan, Spec", _plan_spec),
        Way("shapes", "each layer's rule, nothing remembered", _rules),
        Way("shapes", "as plan applies the rules: equal layers once", _applied),
    )


def _built(spec: Any) -> Any:
    return netspec.build(spec, device="cpu")


def _from_plan(text: str) -> Callable[[], Work]:
    def prepare() -> Work:
        plan = netspec.plan(netspec.loads(text))
        return lambda: _built(plan)

    return prepare


def _plan_spec() -> Work:
    spec = netspec.loads(chain(LAYERS))
    return lambda: netspec.plan(spec)


def _rules() -> Work:
    """The bare rules in a row; arguments are bound, and in_features is known already."""
    plan = netspec.plan(netspec.loads(chain(LAYERS)))
    layers = [(row.application.type.rule, row.application.written) for row in plan.layers]

    def run() -> TensorType:
        type = plan.inputs[0].type
        for rule, arguments in layers:
            output = rule(type, **arguments)
            type = TensorType(tuple(output.shape), output.dtype or type.dtype)
        assert type == plan.outputs[0]
        return type

    return run


def _applied() -> Work:
    """What planning does for a layer's shapes: arguments are bound, sizes inferred, rules asked.

    A fresh Planner in each call, which remembers a layer that was written alike for an equal
    input, as it does within one plan. The walk over the items, the names and the rows are not in.
    """
    spec = netspec.loads(chain(LAYERS))
    plan = netspec.plan(spec)
    layers: list[tuple[Layer, Any]] = []
    for item in spec.layers.items:
        assert isinstance(item.part, Layer)
        layers.append((item.part, item.origin))
    registry = default_registry()

    def run() -> TensorType:
        planner = Planner(registry, Diagnostics())
        type = planner.same(plan.inputs[0].type)
        for layer, origin in layers:
            application = planner.apply(layer, origin, "", (type,))
            assert application is not None
            type = application.outputs[0]
        assert type == plan.outputs[0]
        return type

    return run


# ---- the mistakes


def _attempts(command: str) -> dict[str, Attempt | str]:
    return {
        "in_features": _wrong(
            "[N, 28, 28]", "[flatten, linear: {in_features: 128, out_features: 10}]"
        ),
        "kernel": _wrong("[N, 3, 8, 8]", "[conv2d: {out_channels: 8, kernel_size: 9}]"),
        "layer": _wrong("[N, 8]", "[linera: 4]"),
        "argument": _wrong("[N, 3, 8, 8]", "[conv2d: {out_channels: 8, kernel_size: 3, strid: 2}]"),
        "residual": _wrong("[N, 3, 8, 8]", f"[residual: [{STRIDED}]]"),
        "symbolic": _wrong("[N, 3, H, W]", f"[residual: [{STRIDED}]]"),
        "ceil": _wrong(
            "[N, 1, 9, 9]",
            "[max_pool2d: {kernel_size: 2, ceil_mode: true}, flatten, "
            "linear: {in_features: 16, out_features: 10}]",
        ),
        "twice": _wrong("[N, 8]", "[linear: {out_features: 256, out_features: 1024}]"),
        "text": _wrong("[N, 8]", "[linear: {out_features: 4, bias: 'false'}]"),
        "code": _wrong("[N, 8]", f"[os.system: {{command: {command!r}}}]"),
    }


STRIDED = "conv2d: {out_channels: 3, kernel_size: 3, stride: 2, padding: 1}"


def _wrong(input: str, layers: str) -> Attempt:
    text = f"netspec: 1\ninput: {input}\nlayers: {layers}\n"

    def check() -> str | None:
        errors = [found for found in netspec.check(text) if found.severity == "error"]
        if not errors:
            return None
        first = errors[0]
        return f"{first.location.line}:{first.location.column}: {first.message} [{first.code}]"

    return Attempt(lambda: _built(netspec.loads(text)), check)
