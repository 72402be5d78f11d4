"""What the demo says when something is wrong, before any training."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.demo import steps
from examples.demo.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
HEAD = "netspec: 1\ninput: [N, 1, 8, 8]\nlayers:\n"
WriteSpec = Callable[[str], str]


@pytest.fixture(autouse=True)
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes as far as the training has found the error too late."""

    def too_late(*_arguments: object, **_names: object) -> None:
        pytest.fail("the training has begun")

    monkeypatch.setattr(steps, "train", too_late)


def error_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The message of a demo that ends with exit status 2."""
    assert main(arguments) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("\nerror: ")
    assert "Traceback" not in errors
    return errors


@pytest.mark.parametrize("picture", ["missing/demo.png", "folder", "file/demo.png", "n\0ul.png"])
def test_a_picture_that_cannot_be_written(
    picture: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert "the picture cannot be saved" in error_of(["--picture", picture], capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_an_earlier_picture_survives_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    Path("demo.png").write_bytes(b"earlier")
    error_of(["--spec", "missing.yaml"], capsys)
    assert Path("demo.png").read_bytes() == b"earlier"


def test_a_spec_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert "missing.yaml" in error_of(["--spec", "missing.yaml"], capsys)


def test_a_spec_with_an_error_in_it(
    write_spec: WriteSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(HEAD + "  - flatten\n  - linaer: 10\n")
    errors = error_of(["--spec", spec], capsys)
    assert "model.yaml:5" in errors
    assert "linaer" in errors


def test_a_spec_with_too_few_classes(
    write_spec: WriteSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(HEAD + "  - flatten\n  - linear: 7  # SevenClasses\n")
    errors = error_of(["--spec", spec], capsys)
    assert "gives [64, 7] for a batch of shape [64, 1, 8, 8]" in errors
    assert "linear: 10" in errors


def test_a_spec_for_other_images(capsys: pytest.CaptureFixture[str]) -> None:
    spec = str(ROOT / "specs" / "fashion_mnist_mlp.yaml")
    errors = error_of(["--spec", spec], capsys)
    assert "does not take the images of --data digits" in errors
    assert "[64, 1, 8, 8]" in errors


def test_a_spec_with_nothing_to_learn(
    write_spec: WriteSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = error_of(["--spec", write_spec(HEAD + "  - flatten\n  - relu\n")], capsys)
    assert "no parameters" in errors


@pytest.mark.parametrize("device", ["cuda:99", "toaster", "meta"])
def test_a_device_that_is_not_there(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    errors = error_of(["--device", device], capsys)
    assert "device" in errors
    assert device in errors


@pytest.mark.parametrize(
    ("module", "data", "package"),
    [
        ("sklearn", "digits", "scikit-learn"),
        ("torchvision", "fashion-mnist", "torchvision"),
        ("matplotlib", "digits", "matplotlib"),
    ],
)
def test_a_missing_package(
    module: str,
    data: str,
    package: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    errors = error_of(["--data", data], capsys)
    assert package in errors
    assert "pip install 'netspec[demo]'" in errors


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_arguments: object, **_names: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(steps, "train", interrupt)
    assert main([]) == 130
    assert capsys.readouterr().err == "\nstopped\n"


@pytest.mark.parametrize(
    "arguments",
    [["--epochs", "0"], ["--epochs", "many"], ["--batch-size", "-1"], ["--seed", "-1"],
     ["--data", "cats"]],
)  # fmt: skip
def test_wrong_arguments(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2


def test_help_shows_examples_without_importing_torch() -> None:
    code = (
        "import sys, examples.demo.__main__ as demo\n"
        "try: demo.main(['--help'])\n"
        "finally: assert 'torch' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "examples:" in run.stdout
    assert "--data fashion-mnist" in run.stdout
    assert [line for line in run.stdout.splitlines() if len(line) > 80] == []
