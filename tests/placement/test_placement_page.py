"""docs/placement.md: its placements are laid out, its messages compared, its programs run.

``NETSPEC_UPDATE=1 pytest tests/placement/test_placement_page.py`` writes the messages.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.diagnostics import Diagnostics
from netspec.placement.document import read_placement
from netspec.placement.lay_out import lay_out
from netspec.registry import Registry

PAGE = Path(__file__).resolve().parents[2] / "docs" / "placement.md"
TEXT = PAGE.read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.M | re.S)
MODEL = BLOCKS[0][1]
REFUSED = re.compile(r"^```yaml\n(placement: 1\n[^`]*)^```\n\n```text\n(.*?)^```$", re.M | re.S)
ONE_PROCESS = "placement: 1\ncheckpoint: [blocks.*]\n"


def said_of(placement: str) -> str:
    """The findings, with the page's names of files."""
    Path("placement.yaml").write_text(placement, "utf-8")
    registry = Registry(installed=["transformer"])
    found = Diagnostics()
    plan = netspec.plan("model.yaml", registry=registry)
    if lay_out(plan, read_placement("placement.yaml"), registry, found) is not None:
        return ""
    return f"{netspec.SpecError(found.all())}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.yaml").write_text(MODEL, "utf-8")
    monkeypatch.chdir(tmp_path)


def test_placements_that_are_refused_are_so_with_these_words() -> None:
    said = REFUSED.sub(
        lambda match: match[0].replace(f"```text\n{match[2]}", f"```text\n{said_of(match[1])}"),
        TEXT,
    )
    if os.environ.get("NETSPEC_UPDATE"):
        PAGE.write_text(said, "utf-8")
    assert said == TEXT
    assert len(REFUSED.findall(TEXT)) >= 5


def test_all_other_placements_fit_the_model() -> None:
    refused = {text for text, _ in REFUSED.findall(TEXT)}
    fine = [text for kind, text in BLOCKS[1:] if kind == "yaml" and text not in refused]
    assert len(fine) >= 5
    for text in fine:
        assert said_of(text) == ""


def test_each_strategy_is_in_the_table_with_its_settings() -> None:
    for word, brought in Registry().strategies().items():
        strategy = brought.strategy
        assert strategy.word == word
        (row,) = re.findall(rf"^\| `{strategy.word}` \|.*$", TEXT, re.M)
        settings = re.findall(r"`(\w+)(?:: \w+)?`", row.rpartition(" | ")[2])
        assert settings == list(strategy.declared.arguments)
        for name, argument in strategy.declared.arguments.items():
            default = argument.default
            if default is not None and default != ():
                assert f"`{name}: {str(default).lower()}`" in row


def test_its_programs_run_in_one_process(capsys: pytest.CaptureFixture[str]) -> None:
    Path("placement.yaml").write_text(ONE_PROCESS, "utf-8")
    names: dict[str, Any] = {}
    for kind, text in BLOCKS:
        if kind == "python":
            exec(text, names)
    assert len(capsys.readouterr().out.splitlines()) == 3
    expected = dict(names["found"].model.named_parameters())
    for name, parameter in names["model"].named_parameters():
        assert parameter.cpu().equal(expected[name])
