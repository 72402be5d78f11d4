"""The benchmark for a GPU, tried on the cpu: its parts run, and its hand-written models are right."""

from __future__ import annotations

import json
from pathlib import Path

import torch

import netspec
from bench.gpu.__main__ import main
from bench.gpu.by_hand import ResNet50
from bench.gpu.subjects import llama, resnet


def test_its_parts_run_without_a_gpu(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    main(
        [
            "--device",
            "cpu",
            "--small",
            "--rounds",
            "1",
            "--only",
            "memory: llama",
            "--output",
            str(file),
        ]
    )
    found = json.loads(file.read_text("utf-8"))
    assert found["left_out"] == {}
    assert [one["ratio"] for one in found["memory"]]
    assert all(0.95 < one["ratio"] < 1.05 for one in found["memory"])


def test_the_models_by_hand_compute_what_the_specs_do() -> None:
    for subject, theirs in ((llama(True), None), (resnet(True), ResNet50())):
        ours = netspec.build(subject.plan, device="cpu", seed=0).eval()
        assert subject.by_hand is not None
        theirs = (theirs or subject.by_hand()).eval()
        theirs.load_state_dict(ours.state_dict())
        given = subject.make_input(torch.device("cpu"), torch.float32)
        with torch.no_grad():
            torch.testing.assert_close(ours(given), theirs(given), rtol=1e-4, atol=1e-4)
