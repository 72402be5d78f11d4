"""A planner that is used again makes the plans that a new one makes, and keeps no more."""

import netspec
from netspec.diagnostics import Diagnostics
from netspec.expansion import expand
from netspec.planning.planner import Planner
from netspec.plugin import hookimpl

# The kernel of 7 needs sizes that no later layer implies; `softmax` without a dim is warned of.
TEXT = """
netspec: 1
input: [N, 3, H, W]
params: {width: 4, rate: 0.5}
variants: {narrow: {width: 3}, wide: {width: 8}, other: {rate: 0.25}}
layers:
  - conv2d: {out_channels: 4, kernel_size: 7}
  - dropout: $rate
  - softmax
  - layers: [{split: [[], [leaky_relu: $(rate / width)]]}]
    repeat: 1
"""
REGISTRY = netspec.Registry()


def facts(plan: netspec.Plan) -> object:
    return (
        [str(condition) for condition in plan.conditions],
        [(row.path, dict(row.arguments), row.outputs) for row in plan.layers],
        [str(warning) for warning in plan.warnings],
    )


def test_a_shared_planner_makes_the_plans_of_a_new_one() -> None:
    spec = netspec.loads(TEXT)
    planner = Planner(REGISTRY, Diagnostics())
    for variant in (*spec.variants, *spec.variants):
        chosen = spec.with_variant(variant)
        found = Diagnostics()
        plan = expand(chosen, REGISTRY, found, planner=planner)
        assert plan is not None
        fresh = netspec.plan(chosen, registry=REGISTRY)
        assert facts(plan) == facts(fresh)
        assert [str(condition) for condition in plan.conditions] == ["H >= 7", "W >= 7"]
        assert len(plan.warnings) == 1


def test_a_shared_planner_applies_what_is_computed_once() -> None:
    spec = netspec.loads(TEXT)
    planner = Planner(REGISTRY, Diagnostics())
    sizes = []
    for _ in range(3):
        for variant in spec.variants:
            expand(spec.with_variant(variant), REGISTRY, Diagnostics(), planner=planner)
        sizes.append((len(planner.applications), len(planner._bound), len(planner._keep)))
    assert sizes[0] == sizes[1] == sizes[2]


def test_every_variant_of_a_check_is_linted_with_its_conditions() -> None:
    seen: list[list[str]] = []

    class Lint:
        @hookimpl
        def netspec_lint(self, plan: netspec.Plan) -> list[object]:
            seen.append([str(condition) for condition in plan.conditions])
            return []

    registry = netspec.Registry()
    registry.register(Lint(), name="lint", package="netspec-lint", version="1")
    assert len(netspec.check(TEXT, registry=registry)) == 1
    assert len(seen) == 4
    assert all(conditions == seen[0] != [] for conditions in seen)
