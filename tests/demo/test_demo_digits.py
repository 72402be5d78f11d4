"""The demo as `make demo` runs it: the digits that come with scikit-learn."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
ACCURACY = re.compile(r"^held-out accuracy: (\d+\.\d) %$", re.MULTILINE)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    """One full run in a process of its own: what it printed, its errors, its picture."""
    picture = tmp_path_factory.mktemp("demo") / "demo.png"
    run = subprocess.run(
        [sys.executable, "-m", "examples.demo", "--device", "cpu", "--picture", str(picture)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout, run.stderr, picture


def test_learns_to_read_digits(demo: tuple[str, str, Path]) -> None:
    printed = demo[0]
    found = ACCURACY.search(printed)
    assert found, printed
    assert float(found[1]) >= 97.0


def test_shows_device_plan_structure_and_parameters(demo: tuple[str, str, Path]) -> None:
    printed = demo[0]
    steps = ["Device", "Images", "Plan", "Model", "Parameters", "Training", "Predictions"]
    assert re.findall(r"^\d\. (\w+)$", printed, re.MULTILINE) == steps
    assert "Using cpu device" in printed
    plan = printed.split("3. Plan")[1].split("4. Model")[0]
    for cell in ("features", "max_pool2d(2)", "[N, 64, 2, 2]", "linear(10)", "[N, 10]", "30,762"):
        assert cell in plan
    assert "(classifier): Sequential(" in printed
    parameters = printed.split("5. Parameters")[1].split("6. Training")[0]
    assert re.search(r"^features\.0\.weight +\[32, 1, 3, 3\] +288$", parameters, re.MULTILINE)
    assert re.search(r"^classifier\.2\.bias +\[10\] +10$", parameters, re.MULTILINE)
    assert re.search(r"^total +30,762$", parameters, re.MULTILINE)


def test_progress_is_one_line_per_epoch_without_a_terminal(
    demo: tuple[str, str, Path],
) -> None:
    printed, errors, _ = demo
    training = printed.split("6. Training")[1].split("7. Predictions")[0]
    assert len(re.findall(r"^epoch \d+/12: .*loss=\d", training, re.MULTILINE)) == 12
    assert "\r" not in printed
    assert errors == ""  # no warning of anybody's


def test_fits_80_columns(demo: tuple[str, str, Path]) -> None:
    printed = demo[0].replace(str(demo[2]), "demo.png")
    assert [line for line in printed.splitlines() if len(line) > 80] == []


def test_picture_is_a_png_of_sensible_size(demo: tuple[str, str, Path]) -> None:
    picture = demo[2]
    with Image.open(picture) as image:
        image.load()
        assert image.format == "PNG"
        assert 800 <= image.width <= 2000
        assert 400 <= image.height <= 1500
        colours = image.convert("RGB").getcolors(maxcolors=1 << 24)
    assert colours is not None
    assert len(colours) > 50
    assert list(picture.parent.iterdir()) == [picture]  # and nothing half done left


def test_the_same_seed_gives_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    from examples.demo.__main__ import main

    losses = []
    for seed in ("3", "3", "4"):
        assert main(["--epochs", "1", "--seed", seed, "--device", "cpu"]) == 0
        printed = capsys.readouterr().out
        losses.append((re.findall(r"loss=([\d.]+)", printed), ACCURACY.findall(printed)))
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_another_spec_for_the_same_images(
    capsys: pytest.CaptureFixture[str], write_spec: Callable[[str], str]
) -> None:
    from examples.demo.__main__ import main

    spec = write_spec("netspec: 1\ninput: [N, 1, 8, 8]\nlayers: [flatten, linear: 10]\n")
    assert main(["--spec", spec, "--epochs", "1", "--batch-size", "300"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^total +650$", printed, re.MULTILINE)
    assert ACCURACY.search(printed)
