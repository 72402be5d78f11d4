"""Wrong specs and exactly what is said about them: ``corpus/NAME.yaml`` beside ``NAME.txt``.

``NETSPEC_UPDATE=1 pytest tests/diagnostics`` writes the texts anew; read their diff as the person
who wrote the YAML would.
"""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import netspec
from netspec.cli.main import main

CORPUS = Path(__file__).parent / "corpus"
SPECS = sorted(path.name for path in CORPUS.glob("*.yaml"))
PACKAGE = Path(netspec.__file__).parent
TESTS = Path(__file__).parents[1]

# Codes that no file for `netspec check` can bring, and the test that does.
ELSEWHERE = {
    "too-many-variants": "source/test_hostile.py",
    "unchecked-variants": "source/test_hostile.py",
    "ambiguous-initialiser": "registry/test_hooks.py",
    "ambiguous-layer": "registry/test_registry.py",
    "bad-call": "builder/test_builder.py",
    "bad-checkpoint": "distributed/test_checkpoints.py",
    "bad-placement": "placement/test_document.py",
    "bad-weights": "building/test_loading.py",
    "broken-strategy": "placement/test_strategies.py",
    "deprecated": "registry/test_former_names.py",
    "former-name": "registry/test_former_names.py",
    "dtype-change": "placement/test_strategies.py",
    "wrong-ranks": "distributed/test_weights.py",
    "wrong-weights": "building/test_loading.py",
    "unreadable-class": "probing/test_probing.py",
    "build-failed": "diagnostics/test_plugins_that_fail.py",
    "no-device": "placement/test_placement.py",
    "plugin-disabled": "registry/test_hooks.py",
    "refused-model": "registry/test_hooks.py",
    "placement-failed": "diagnostics/test_plugins_that_fail.py",
    "rule-failed": "diagnostics/test_plugins_that_fail.py",
    "strategy-failed": "placement/test_strategies.py",
    "too-many": "diagnostics/test_findings.py",
    "too-many-reads": "source/test_hostile.py",
    "unknown-strategy": "placement/test_document.py",
    "unknown-variant": "spec/test_variants.py",
    "unplanned": "diagnostics/test_findings.py",
    "unreadable-file": "cli/test_check.py",
}


@pytest.mark.parametrize("name", SPECS)
def test_what_is_said(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CORPUS)
    code = main(["check", name])
    said = capsys.readouterr()
    expected = CORPUS / name.replace(".yaml", ".txt")
    if os.environ.get("NETSPEC_UPDATE"):
        expected.write_bytes(said.out.encode())
    assert said.out == expected.read_bytes().decode()
    assert said.err == ""
    assert code == (0 if ": ok" in said.out.splitlines()[-1] else 1)


def test_no_text_is_left_of_a_spec_that_is_gone() -> None:
    texts = {path.name for path in CORPUS.glob("*.txt")}
    assert texts == {name.replace(".yaml", ".txt") for name in SPECS}


@pytest.mark.parametrize("name", SPECS)
def test_every_finding_has_its_line_with_the_span_underlined(name: str) -> None:
    text = (CORPUS / name).with_suffix(".txt").read_text("utf-8")
    findings = re.findall(r"^\S+\.yaml:(\d+):\d+: (?:error|warning): .*\n(.*)\n(.*)$", text, re.M)
    assert findings
    for number, line, marks in findings:
        if "[empty]" not in text:
            assert re.match(rf" *{number} \| ", line), f"{name}:{number} shows {line!r}"
            assert re.fullmatch(r" +\| +\^+", marks)


@pytest.mark.parametrize("name", SPECS)
def test_no_message_shows_pythons_insides(name: str) -> None:
    text = (CORPUS / name).with_suffix(".txt").read_text("utf-8")
    said = "\n".join(line for line in text.splitlines() if " | " not in line)
    for sign in (
        "Node(",
        "TensorType",
        "Traceback",
        "<class",
        "object at",
        "None",
        "True",
        "False",
    ):
        assert sign not in said


def codes() -> Iterator[tuple[str, str]]:
    """Every code of a diagnostic that the package's source holds, with its file."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                found: list[ast.AST] = []
                if called in ("error", "warning", "stop", "Diagnostic") and node.args:
                    found = [node.args[0]]
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
                found = [node.value]
            else:
                continue
            for constant in (each for tree in found for each in ast.walk(tree)):
                if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                    if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", constant.value):
                        yield constant.value, str(path.relative_to(PACKAGE))


def test_every_code_is_shown_by_some_test() -> None:
    there = dict(codes())
    assert {"empty", "too-deep", "shape-mismatch", "layer-warning"} <= there.keys()
    assert len(there) > 35
    texts = "".join(path.read_text("utf-8") for path in CORPUS.glob("*.txt"))
    shown = set(re.findall(r"\[([a-z0-9-]+)\]$", texts, re.M))
    assert {code: file for code, file in there.items() if code not in shown | {*ELSEWHERE}} == {}
    for code, test in ELSEWHERE.items():
        assert f'"{code}"' in (TESTS / test).read_text("utf-8"), f"{test} does not show {code}"
