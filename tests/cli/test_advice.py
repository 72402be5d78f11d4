"""Advice on the command line and of calls in Python, which works when it is followed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import netspec
from netspec.cli.main import main

MODEL = """\
netspec: 1
input: [N, 8]
params: {width: 64}
variants: {small: {width: 8}}
layers: [linear: $width]
"""


def said(capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, str]:
    """The exit code of a command line, and all that it prints."""
    try:
        code = main(shlex.split(line))
    except SystemExit as end:
        code = int(end.code or 0)
    out = capsys.readouterr()
    return code, out.out + out.err


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.yaml").write_text(MODEL, "utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("line", "advice", "followed"),
    [
        ("show model.yaml --set wdth=3", "did you mean width?", "show model.yaml --set width=3"),
        ("show model.yaml --set width:3", "write --set width=3", "show model.yaml --set width=3"),
        ("show model.yaml --set width 3", "write --set width=3", "show model.yaml --set width=3"),
        ("show model.yaml --set width=", "write for example --set width=64",
         "show model.yaml --set width=64"),
        ("show model.yaml --width=3", "--set width=3", "show model.yaml --set width=3"),
        ("show model.yaml --width 3", "--set width=3", "show model.yaml --set width=3"),
        ("show model.yaml --varient small", "did you mean --variant?",
         "show model.yaml --variant small"),
        ("show model.yaml --variant smal", "did you mean small?",
         "show model.yaml --variant small"),
        ("show model.yaml --variant x", "it has small", "show model.yaml --variant small"),
        ("chekc model.yaml", "did you mean check?", "check model.yaml"),
        ("model.yaml", "netspec check model.yaml", "check model.yaml"),
        ("check modle.yaml", "did you mean model.yaml?", "check model.yaml"),
        ("check model.yml", "did you mean model.yaml?", "check model.yaml"),
        ("check model", "did you mean model.yaml?", "check model.yaml"),
        ("show model.yaml model.yaml", "netspec check takes several specs",
         "check model.yaml model.yaml"),
        ("layers Dense", "did you mean linear?", "layers linear"),
        ("layers maxpool", "did you mean max_pool2d?", "layers max_pool2d"),
    ],
)  # fmt: skip
def test_the_advice_of_a_command_works(
    line: str, advice: str, followed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = said(capsys, line)
    assert code in (1, 2)
    assert advice in text
    assert said(capsys, followed)[0] == 0


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (lambda: netspec.plan("model.yaml", params={"wdth": 3}), r"did you mean width\?"),
        (lambda: netspec.load("model.yaml", variant="x"), "it has small"),
        (lambda: netspec.build("model.yaml", variant="x"), "it has small"),
        (lambda: netspec.load("modle.yaml"), r"did you mean model.yaml\?"),
        (lambda: netspec.load(MODEL), r"netspec.loads\(text\)"),
        (lambda: netspec.loads("model.yaml"), r"netspec.load\(path\)"),
        (lambda: netspec.load({"netspec": 1}), "netspec.from_dict"),  # type: ignore[arg-type]
        (lambda: netspec.Builder("N", 8).dense(3), r"did you mean linear\?"),  # type: ignore[attr-defined]
        (lambda: netspec.Builder("N", 3, 8, 8).maxpool(2), r"did you mean max_pool2d\?"),  # type: ignore[attr-defined]
        (lambda: netspec.Builder("N", 8).linear(units=3), "it is called out_features"),  # type: ignore[call-arg]
    ],
)
def test_the_advice_of_a_call_names_the_way(call: object, advice: str) -> None:
    assert callable(call)
    with pytest.raises((netspec.SpecError, TypeError, AttributeError)) as caught:
        call()
    assert re.search(advice, str(caught.value))
