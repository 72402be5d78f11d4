"""The conformance kit finds what is declared wrong: one pytest run over a plugin of such layers."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

PLANTED = Path(__file__).with_name("planted")
ROOT = Path(__file__).parents[2]

ARGUMENTS = "test_the_arguments_are_those_of_the_class"
PLAN = "test_the_plan_is_what_torch_does"
SYMBOLS = "test_numbers_in_a_symbolic_plan_give_the_concrete_one"
SAVED = "test_what_is_saved_for_the_backward_pass"
COPIES = "test_modules_can_be_copied_and_pickled"
STATE = "test_state_moves_and_follows_from_the_seed"
EXPORT = "test_modules_can_be_exported"
#: The law of wrong arguments compares plans too and would break with PLAN: one layer is enough.
CHOSEN = "right or not test_one_wrong_argument"

#: By layer: the law that it breaks, and what the failure says.
PLANTED_MISTAKES: dict[str, tuple[str, list[str]]] = {
    "off_by_one_in_stride": (PLAN, [
        "planned [1, 0], but torch on cpu gives [1, 1]\n",
        "`off_by_one_in_stride: {out_channels: 1, kernel_size: 1}` on `[1, 1]`\n",
        "fix: Output(shape=...) in the rule of off_by_one_in_stride (planted_layers.py:",
    ]),
    "forgotten_dilation": (PLAN, [
        "planned [1, 1], but torch on cpu refuses: RuntimeError: Calculated padded input size",
        "`forgotten_dilation: {out_channels: 1, kernel_size: 2, dilation: 2}` on `[1, 3]`\n",
        "fix: Output(shape=...) in the rule of forgotten_dilation (planted_layers.py:",
        "fix: Output(macs=...) in the rule of forgotten_dilation (planted_layers.py:",
    ]),
    "forgotten_need": (PLAN, [
        "planned [1, 0], but torch on cpu refuses: RuntimeError: Calculated padded input size",
        "`forgotten_need: {out_channels: 1, kernel_size: 2",
        "let the rule of forgotten_need (planted_layers.py:",
        "refuse it too: raise Refusal, or state what has to be true of sizes by at_least",
    ]),
    "wrong_parameter": (PLAN, [
        "planned the parameters weight [",
        "], but the module has weight [",
        "`wrong_parameter: {out_channels: ",
        "fix: Output(parameters=...) in the rule of wrong_parameter",
    ]),
    "forgotten_bias": (PLAN, [
        "planned the parameters weight [1, 1, 1], but the module has weight [1, 1, 1] and bias [1]",
    ]),
    "wrong_macs": (PLAN, [
        "planned 1 multiply-adds, torch counts 2 (4 FLOPs)\n",
        "`wrong_macs: {out_channels: 2, kernel_size: 1}` on `[1, 1]`\n",
        "fix: Output(macs=...)",
    ]),
    "three_mistakes": (PLAN, [
        "fix: Output(shape=...) in the rule of three_mistakes",
        "fix: Output(parameters=...) in the rule of three_mistakes",
        "fix: Output(macs=...) in the rule of three_mistakes",
    ]),
    "another_default": (ARGUMENTS, [
        "`factor` of planted_modules.Scale is 2.0 by default, and that of `another_default` is 1.0 "
        "by default in planted_layers.py",
    ]),
    "missing_argument": (ARGUMENTS, [
        "planted_modules.Scale has the argument `offset: float = 0.5` that `missing_argument` "
        "lacks: add `offset: float = 0.5` after `factor` to planted_layers.py, or to `left_out` of "
        "conformance() as 'Scale.offset' with the reason",
    ]),
    "further_argument": (ARGUMENTS, [
        "planted_modules.Scale has no argument `power`, which `further_argument` has: take it out "
        "of planted_layers.py",
    ]),
    "another_order": (ARGUMENTS, [
        "planted_modules.Scale has the order ['factor', 'offset'], `another_order` in "
        "planted_layers.py has ['offset', 'factor']",
    ]),
    "missing_dtype": (PLAN, [
        "planned [] float32, but torch on cpu gives [] bool\n",
        "`missing_dtype` on `[]`\n",
        "fix: Output(dtype=...)",
    ]),
    "forgotten_buffer": (PLAN, [
        "planned the buffers none, but the module has steps []\n",
        "fix: Output(buffers=...)",
    ]),
    "wrong_symbols": (SYMBOLS, [
        "planned outputs [N//2] with symbols, which is [0] for N = 1, but with these numbers [1]\n",
        "`wrong_symbols` on `[N]`\n",
        "compute with sizes as they come",
    ]),
    "specialised_symbols": (SYMBOLS, [
        "the rule of specialised_symbols failed: TypeError: ",
        "`specialised_symbols` on `[N]`\n",
        "sizes are whole numbers or symbols",
    ]),
    "nothing_saved": (SAVED, [
        "planned 0 bytes for the backward pass, but autograd saves 4\n",
        "`nothing_saved` on `[]`\n",
        "fix: Output(saves=..., saved_bytes=..., is_view=...)",
    ]),
    "failing_rule": (PLAN, [
        "the rule of failing_rule failed: IndexError: tuple index out of range\n",
        "`failing_rule` on `[]`\n",
        "give an Output, or raise Refusal for what the layer does not take",
    ]),
    "too_strict": (PLAN, [
        "refused, but torch on cpu takes it and gives [2, 1, 1, 1]: images are not taken\n",
        "`too_strict` on `[2, 1, 1, 1]`\n",
        "take it, or say in `tolerance` of conformance() why",
    ]),
    "not_picklable": (COPIES, [
        "pickle fails: ", "<lambda>", "fix: Kept (planted_modules.py:", "no lambdas",
    ]),
    "other_copy": (COPIES, [
        "after copy.deepcopy the module gives other values\n",
        "fix: Forgetful (planted_modules.py:",
    ]),
    "not_exportable": (EXPORT, [
        "torch.export fails: GuardOnDataDependentSymNode: ",
        "fix: Looking (planted_modules.py:",
        "say why in `not_exported` of conformance()",
    ]),
    "overwritten_input": (PLAN, [
        "input is changed in place\n",
        "fix: let Overwriting (planted_modules.py:",
    ]),
    "plain_tensor": (STATE, [
        "offset of the module: a plain tensor that stays behind in `.to(device)`",
        "fix: Plain (planted_modules.py:", "register_buffer",
    ]),
    "unfilled_parameter": (STATE, [
        "weight of two modules differ under the same seed\n",
        "fix: Unfilled (planted_modules.py:",
    ]),
}  # fmt: skip
#: What two mistakes break beside it.
BREAKS_TOO = {"further_argument": {PLAN}, "failing_rule": {SYMBOLS}}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """By layer and law, how it fails in a pytest run as an author starts it."""
    report = tmp_path_factory.mktemp("planted") / "report.xml"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(PLANTED), str(ROOT)]))
    arguments = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(PLANTED)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, f"--junitxml={report}",
         "-k", CHOSEN, "planted_conformance.py"],
        cwd=PLANTED, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    found: dict[str, dict[str, str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        law, _, layer = case.attrib["name"].partition("[")
        laws = found.setdefault(layer.removesuffix("]"), {})
        for failure in case.iter("failure"):
            laws[law] = failure.text or ""
    return found


@pytest.mark.parametrize("layer", PLANTED_MISTAKES)
def test_a_mistake_breaks_its_law_and_is_told(
    layer: str, failures: dict[str, dict[str, str]]
) -> None:
    law, said = PLANTED_MISTAKES[layer]
    broken = failures[layer]
    assert law in broken
    assert set(broken) == {law} | BREAKS_TOO.get(layer, set())
    for part in said:
        assert part in broken[law]
    for text in broken.values():  # nothing of hypothesis, and no frames of netspec
        assert len(text.splitlines()) <= 3 * max(1, text.count("fix: "))


def test_a_layer_that_is_right_passes_all(failures: dict[str, dict[str, str]]) -> None:
    assert failures["right"] == {}
    assert failures[""] == {}, "the law of what the declarations import"
    assert set(failures) == {*PLANTED_MISTAKES, "right", ""}
