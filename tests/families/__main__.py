"""Proves every model of torchvision as YAML: ``python -m tests.families [--only NAME] [--write]``.

Run it from the repository root; all 95 models take about 20 minutes on two cores, and 16 GB.
``--write`` puts the table into README.md, between its markers.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch
import torchvision

import netspec
from tests.families import compare

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- families: begin -->\n", "<!-- families: end -->\n"


class Proof(NamedTuple):
    """What was found for one model; nothing wrong is an empty list."""

    name: str
    family: str
    params: int
    keys: list[str]
    values: list[str]
    training: list[str]
    costs: list[str]
    fresh: list[str]
    fresh_is_equal: bool
    peak: float
    saved: float

    @property
    def wrong(self) -> list[str]:
        wrong = self.keys + self.values + self.training + self.costs + self.fresh
        if self.peak > compare.most_peak(self.name):
            wrong += [f"{self.peak:.3f} of the memory"]
        if abs(self.saved - 1) > compare.MOST_OFF:
            wrong += [f"{self.saved:.3f} of what is saved for backward"]
        return wrong


def prove(name: str, path: Path) -> Proof:
    """Compares the model of a spec with torchvision's own, in all that the tests look at."""
    plan = netspec.plan(path, variant=name)
    torch.manual_seed(7)
    reference = compare.theirs(name)
    ours = netspec.build(plan, device="cpu", seed=7)
    keys = [] if compare.keys(ours) == compare.keys(reference) else ["keys"]
    fresh = compare.different_beginnings(ours, reference)
    is_equal = compare.are_equal(ours, reference)
    inputs = compare.sample(name)
    values = compare.different_values(ours, reference, inputs)
    training = compare.different_training(ours, reference, inputs)
    for model in (ours, reference):
        model.zero_grad(set_to_none=True)
    saved = compare.saved_ratio(plan, ours, inputs)
    costs = compare.different_costs(name, plan, reference)
    peak = compare.peak_ratio(name, ours, reference)
    params = plan.total_params
    return Proof(
        name, path.stem, params, keys, values, training, costs, fresh, is_equal, peak, saved
    )


def table(proofs: list[Proof]) -> str:
    """One row for each family, in Markdown."""
    lines = [
        "| specs/torchvision | models | parameters | keys, shapes | logits | training step "
        "| fresh weights | shapes, multiply-adds | peak memory | saved for backward |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for family in sorted({proof.family for proof in proofs}):
        those = [proof for proof in proofs if proof.family == family]
        params = [proof.params / 1e6 for proof in those]
        counted = f"{min(params):.1f} M"
        if len(those) > 1:
            counted = f"{min(params):.1f} M to {max(params):.1f} M"
        lines.append(
            f"| {family}.yaml | {len(those)} | {counted} | {_all(those, 'keys')} "
            f"| {_all(those, 'values')} | {_all(those, 'training')} | {_fresh(those)} "
            f"| {_all(those, 'costs')} | {_ratios([proof.peak for proof in those])} "
            f"| {_ratios([proof.saved for proof in those])} |"
        )
    return "\n".join(lines) + "\n"


def _all(proofs: list[Proof], kind: str) -> str:
    wrong = [proof.name for proof in proofs if getattr(proof, kind)]
    return f"not {', '.join(wrong)}" if wrong else "equal"


def _fresh(proofs: list[Proof]) -> str:
    if any(proof.fresh for proof in proofs):
        return _all(proofs, "fresh")
    return "equal" if all(proof.fresh_is_equal for proof in proofs) else "alike"


def _ratios(ratios: list[float]) -> str:
    """``equal``, or the least and the largest of them."""
    least, most = (f"{f(ratios):.2f}" for f in (min, max))
    if least == most:
        return "equal" if least == "1.00" else least
    return f"{least} to {most}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.families", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="a model, or the stem of a family's file")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    given = parser.parse_args()
    files = compare.variants()
    if given.only:
        files = {n: path for n, path in files.items() if given.only in (n, path.stem)}
        if not files or given.write:
            parser.error("--write needs all models" if files else f"no model {given.only!r}")
    proofs = []
    for name, path in files.items():
        start = time.perf_counter()
        proofs.append(prove(name, path))
        gc.collect()
        result = "; ".join(proofs[-1].wrong[:5]) or "equal"
        print(f"{name:30} {time.perf_counter() - start:5.0f} s  {result}", flush=True)
    text = table(proofs)
    print(text)
    if given.write:
        whole = README.read_text("utf-8")
        before, _, rest = whole.partition(BEGIN)
        after = rest.partition(END)[2]
        about = (
            f"`python -m tests.families --write`, with torch {torch.__version__.partition('+')[0]} "
            f"and torchvision {torchvision.__version__.partition('+')[0]}:\n\n"
        )
        README.write_text(before + BEGIN + about + text + END + after, "utf-8")
    return 1 if any(proof.wrong for proof in proofs) else 0


if __name__ == "__main__":
    sys.exit(main())
