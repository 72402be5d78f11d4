"""The page about weights: its Python runs, and its messages are those of netspec."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

import netspec
from netspec.weights import read_weights

PAGE = (Path(__file__).parents[1] / "docs" / "weights.md").read_text("utf-8")


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_what_the_page_says_is_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("netspec")
    names: dict[str, object] = {}
    before = logger.level
    try:
        for text in snippets("python"):
            exec(text, names)
    finally:
        logger.setLevel(before)
    (said,) = re.findall(r"^# INFO:netspec:(.*)$", PAGE, re.MULTILINE)
    assert said in caplog.messages
    spec = names["spec"]
    assert isinstance(spec, netspec.Spec)
    with pytest.raises(netspec.SpecError) as caught:
        netspec.build(spec, weights="last.ckpt", device="cpu")
    (message,) = snippets("text")
    assert str(caught.value) == message.rstrip()
    (command,) = re.findall(r"--weights '(.*)'", "".join(snippets("sh")))
    netspec.build(spec, weights=read_weights(command), device="cpu")
    (placement,) = snippets("yaml")
    netspec.build(spec, placement=placement, device="cpu")
