"""The benchmark for a GPU, tried on the cpu."""

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
    try_it = ["--device", "cpu", "--small", "--rounds", "1", "--only", "memory: llama"]
    main([*try_it, "--output", str(file)])
    found = json.loads(file.read_text("utf-8"))
    assert found["left_out"] == {}
    assert len(found["memory"]) == 2
    assert all(0.95 < one["ratio"] < 1.05 for one in found["memory"])


def test_the_models_by_hand_compute_what_the_specs_do() -> None:
    for subject, by_hand in ((llama(True), llama(True).by_hand), (resnet(True), ResNet50)):
        ours = netspec.build(subject.plan, device="cpu", seed=0).eval()
        assert by_hand is not None
        theirs = by_hand().eval()
        theirs.load_state_dict(ours.state_dict())
        given = subject.make_input(torch.device("cpu"), torch.float32)
        with torch.no_grad():
            torch.testing.assert_close(ours(given), theirs(given), rtol=1e-4, atol=1e-4)
