"""The budget of steps: what a spec may ask for, and that real models are far below it."""

import tracemalloc
from pathlib import Path

import pytest

import netspec
from netspec.api import MAX_CHECKED_STEPS
from netspec.budget import MAX_STEPS, Budget, OutOfSteps, limited, spend
from netspec.diagnostics import Diagnostics
from netspec.expansion import expand
from netspec.planning.planner import Planner
from netspec.registry import default_registry
from netspec.sizes import equal, symbol
from netspec.spec import Spec

SPECS = Path(__file__).parents[2] / "specs"
SPARE = 10  # as many times the steps of the largest real models there are
HEAD = "netspec: 1\ninput: [N, 8]\nlayers:\n"


def repeated(items: str, times: int = 49_000) -> str:
    return f"{HEAD}  - linear: 8\n  - repeat: {times}\n    layers:\n{items}"


def listed(item: str, count: int) -> str:
    return "      - " + item + "\n" + f"      - {item}\n" * (count - 1)


SUMS = ", ".join(f"a{n}: $(sum(b))" for n in range(25))
LOOKS = " or ".join(f"-{n} in b" for n in range(1, 30))
NAMES = "[" + ", ".join(f"A{n}" for n in range(10)) + "]"
PRODUCT = "*".join(f"(shape[{n}] + 1)" for n in range(10))
HOSTILE = {
    "a list looked through": (
        repeated(f'      - {{when: "$({LOOKS})", relu: }}\n').replace(
            "layers", "params: {b: $(range(9000))}\nlayers", 1
        ),
        8,
    ),
    "lists compared": (
        repeated("      - {when: $(b == c), relu: }\n").replace(
            "layers", "params: {b: $(range(9000)), c: $(range(9000))}\nlayers", 1
        ),
        8,
    ),
    "values of `let`": (
        repeated(f"      - {{let: {{{SUMS}}}, relu: }}\n").replace(
            "layers", "params: {b: $(range(9999))}\nlayers", 1
        ),
        8,
    ),
    "patterns of `freeze` over many layers": (
        f"netspec: 1\ninput: [N, 8]\nfreeze: [{', '.join(['0'] * 400)}]\nlayers:\n"
        "  - {repeat: 9000, linear: 8}\n",
        None,
    ),
    "dims added by each layer": (
        f"{HEAD}  - {{repeat: 40000, unflatten: {{dim: 1, unflattened_size: [1, -1]}}}}\n",
        4,
    ),
    "a rule of `init` for 5,000 names": (
        f"{HEAD}  - {{repeat: 9000, linear: $(index + 1)}}\n"
        f"init: {{linear: {{{', '.join(f'a{n}: 0' for n in range(5_000))}}}}}\n",
        4,
    ),
    "items left out": (repeated(listed("{when: false, relu: }", 2_000)), None),
    "empty branches": (repeated(f"      - concat: [{'[], ' * 2_000}]\n"), None),
    "products of symbols": (
        f"netspec: 1\ninput: {NAMES}\nlayers:\n  - repeat: 40000\n    layers:\n"
        f'      - {{let: {{a: "$({PRODUCT})"}}, relu: }}\n',
        6,
    ),
    "products of symbols, written out": (
        f"netspec: 1\ninput: {NAMES}\nlayers:\n"
        + f'  - {{let: {{a: "$({PRODUCT})"}}, relu: }}\n' * 1_000,
        None,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work_ends_with_the_budget(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.budget.MAX_STEPS", MAX_STEPS // 10)  # to end sooner
    text, line = HOSTILE[name]
    found = netspec.check(text)
    (too_much,) = [finding for finding in found if finding.code == "too-much-work"]
    assert line is None or too_much.location.line == line
    assert {finding.code for finding in found} <= {"too-much-work", "shape-mismatch"}


def test_what_is_kept_is_charged_too() -> None:
    """400 kB of products of symbols were accepted, and took 2 GB."""
    text, _ = HOSTILE["products of symbols, written out"]
    spec = netspec.loads(text)
    tracemalloc.start()
    netspec.check(spec)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 300e6


def test_each_use_is_a_row_of_the_plan() -> None:
    found = netspec.check(repeated("      - {name: a, relu: }\n" + listed("use: a", 2_000)))
    assert [finding.code for finding in found] == ["too-many-layers"]


def test_help_for_a_mistake_in_a_repeat_is_looked_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = default_registry()
    asked: list[str] = []

    def remedy(name: str) -> str:
        asked.append(name)
        return ""

    monkeypatch.setattr(registry, "remedy", remedy)
    text = HEAD + "  - {repeat: 1000000000000000000, reluu: }\n"
    found = netspec.check(text, registry=registry)
    assert {finding.code for finding in found} == {"too-many-layers", "unknown-layer"}
    assert asked == ["reluu"]


def test_a_wrong_argument_of_a_block_is_worded_once() -> None:
    params = ", ".join(f"parameter_{n}: {n}" for n in range(190))
    text = (
        f"netspec: 1\ninput: [N, 8]\nblocks:\n  b: {{params: {{{params}}}, layers: [relu]}}\n"
        f"layers:\n  - {{repeat: 20000, b: {{paramter_1: 1}}}}\n"
    )
    steps, found = steps_of(netspec.loads(text))
    assert [finding.help for finding in found] == [("did you mean parameter_1?",)]
    assert steps < MAX_STEPS


def steps_of(spec: Spec) -> tuple[int, list[netspec.Diagnostic]]:
    found = Diagnostics()
    planner = Planner(default_registry(), found)
    expand(spec, planner.registry, found, planner=planner)
    return planner.steps, found.all()


@pytest.mark.parametrize(
    "name", sorted(str(path.relative_to(SPECS)) for path in SPECS.rglob("*.yaml"))
)
def test_real_models_have_steps_to_spare(name: str) -> None:
    spec = netspec.load(SPECS / name)
    total = 0
    for variant in spec.variants or [None]:
        steps, _ = steps_of(spec if variant is None else spec.with_variant(variant))
        assert SPARE * steps < MAX_STEPS
        total += steps
    assert SPARE * total < MAX_CHECKED_STEPS


LONG = {
    "10,000 different layers": HEAD + "".join(f"  - linear: {n + 1}\n" for n in range(10_000)),
    "10,000 computed layers": HEAD + "  - {repeat: 10000, linear: $(index + 1)}\n",
    "1,000 variants": (
        "netspec: 1\ninput: [N, 8]\nparams: {n: 1}\nvariants:\n"
        + "".join(f"  v{n}: {{n: {n + 1}}}\n" for n in range(1_000))
        + "layers: [{repeat: 10, layers: [linear: $(n * 2), relu, residual: [linear: $(n * 2)]]}]\n"
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_long_specs_have_steps_to_spare(name: str) -> None:
    spec = netspec.loads(LONG[name])
    found = Diagnostics()
    planner = Planner(default_registry(), found)
    for variant in spec.variants[:100] or [None]:
        chosen = spec if variant is None else spec.with_variant(variant)
        expand(chosen, planner.registry, found, planner=planner)
    assert not found.failed
    times = max(len(spec.variants) // 100, 1)
    assert planner.steps * times < MAX_CHECKED_STEPS
    assert times > 1 or SPARE * planner.steps < MAX_STEPS


def test_20_000_params_are_not_copied_for_each_value() -> None:
    """It took 23 seconds. Steps show nothing of a copy, so this looks at the environments."""
    from netspec.expansion.values import COPIED, opened

    names = {f"p{n}": n for n in range(COPIED + 1)}
    inner, own = opened(names)
    own["p0"] = "inner"
    deeper, more = opened(inner)
    more["q"] = 1
    assert (inner["p0"], inner["p1"], deeper["p0"], deeper["q"]) == ("inner", 1, "inner", 1)
    assert names["p0"] == 0
    assert len(own) == len(more) == 1


def test_sizes_are_charged_to_the_walk() -> None:
    """Decisions and products are bounded one by one; many of them are not."""
    sizes = [symbol(f"A{n}") for n in range(3)]
    with limited(budget := Budget()):
        equal((sizes[0] + 7) // 8 * sizes[1], (sizes[1] + 7) // 9 * sizes[0])
    assert budget.used > 10
    with pytest.raises(OutOfSteps), limited(Budget(limit=9)):
        (sizes[0] + 1) * (sizes[1] + 1) * (sizes[2] + 1)
    spend(10**9)  # nobody counts outside a walk


def test_a_long_value_is_shortened_in_its_message() -> None:
    (found,) = netspec.check(HEAD + "  - {repeat: $(range(9000)), relu: }\n")
    assert len(found.message) < 150
