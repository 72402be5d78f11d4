"""The help for each mistake of ``mistakes.txt`` is applied and leads to what was meant.

``=== name (input)`` begins a mistake in ``layers``, ``=== name`` one in a whole spec; what was
meant is below ``---``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import netspec
from netspec.diagnostics import Diagnostic, apply_fixes
from netspec.planning import PlannedScope
from netspec.render import plan_values

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
# Where a second mistake shows only when the first is mended.
SEVERAL = {
    "block-positions.yaml",
    "init-bad.yaml",
    "init-without-effect.yaml",
    "layer-not-a-layer.yaml",
    "yaml-unclosed-brace.yaml",
}


class Mistake(NamedTuple):
    """A spec as it was written, and as it was meant."""

    name: str
    wrong: str
    meant: str


def mistakes() -> list[Mistake]:
    text = (HERE / "mistakes.txt").read_text("utf-8")
    found = []
    for match in re.finditer(r"^=== (.*)\n((?:.*\n)*?)---\n((?:.*\n)*?)\n", text + "\n", re.M):
        title, *both = match.groups()
        name, _, input = title.removesuffix(")").partition(" (")
        if input:
            head = f"netspec: 1\ninput: {input}\nlayers:\n"
            both = [head + re.sub("^", "  ", body, flags=re.M).rstrip(" ") for body in both]
        found.append(Mistake(name, *both))
    return found


MISTAKES = mistakes()


def errors(text: str) -> list[Diagnostic]:
    return [one for one in netspec.check(text) if one.severity == "error"]


def meaning(text: str) -> tuple[Any, ...]:
    """What a spec plans: its rows, and the wiring of its containers."""
    plan = netspec.plan(netspec.loads(text))

    def wiring(scope: PlannedScope) -> Any:
        return [(node.name, node.inputs, node.outputs) for node in scope.graph.nodes]

    values = {**plan_values(plan), "warnings": []}
    return values, [wiring(scope) for scope in plan.scopes()]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_the_first_help_leads_to_what_was_meant(mistake: Mistake) -> None:
    found = errors(mistake.wrong)
    assert found
    for finding in found:
        assert finding.fixes, f"nothing to apply:\n{finding}"
        assert finding.fixes[0].message == finding.help[0]
    text = apply_fixes(mistake.wrong, [finding.fixes[0] for finding in found])
    left = errors(text)
    assert not left, f"{text}\n{left[0]}"
    assert meaning(text) == meaning(mistake.meant), text


def test_each_mistake_is_another() -> None:
    assert len(MISTAKES) >= 180
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES)
    assert len({mistake.wrong for mistake in MISTAKES}) == len(MISTAKES)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_help_leads_to_another_error(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    found = errors(text + "\n")
    known = {(finding.code, finding.message) for finding in found}
    for finding in found:
        for fix in finding.fixes:
            after = [(one.code, one.message) for one in errors(apply_fixes(text, [fix]) + "\n")]
            assert len(after) < len(found) or path.name in SEVERAL, f"it stays:\n{finding}"
            assert set(after) <= known or path.name in SEVERAL, f"{after}\n{finding}"


@pytest.mark.parametrize(
    "layers",
    [
        "  - [" + "f(a, " * 40_000 + "]\n",
        "  Sequential(\n" + "    (0): Linearr(a=3)\n" * 3_000 + "  )\n",
        "  - relu\n" * 4_900 + "  - {a: b\n",
        "  linear: 3\n" * 20_000,
    ],
    ids=["cut texts", "a printed model", "a brace below", "keys that come again"],
)
def test_looking_for_what_was_meant_is_bounded(layers: str) -> None:
    assert len(errors("netspec: 1\ninput: [N, 8]\nlayers:\n" + layers)) <= 101
