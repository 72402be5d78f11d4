"""The demo with torchvision's FashionMNIST, on small files in its format."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.demo import data
from examples.demo.__main__ import main
from examples.demo.failure import DemoError

RUN = ["--data", "fashion-mnist", "--device", "cpu", "--epochs", "1", "--batch-size", "16"]
FILES = [f"{name}.gz" for name in data.FASHION_MNIST_FILES]
WriteIdx = Callable[..., Path]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that knows nobody, as on a machine without a network."""

    def refuse(*_arguments: object, **_names: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", refuse)


@pytest.mark.parametrize("packed", [False, True], ids=["unpacked", "packed"])
def test_trains_the_tutorials_model_on_files_put_there(
    packed: bool, write_fashion_mnist: WriteIdx, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_fashion_mnist(packed=packed)
    assert main([*RUN, "--data-dir", str(folder), "--picture", "clothes.png"]) == 0
    printed, errors = capsys.readouterr()
    assert "256 images to learn from, 64 held out" in printed
    assert "Ankle boot" in printed
    for name, size in (("0", "512, 784"), ("2", "512, 512"), ("4", "10, 512")):
        assert re.search(rf"^linear_relu_stack\.{name}\.weight +\[{size}\]", printed, re.MULTILINE)
    found = re.search(r"^held-out accuracy: (\d+\.\d) %$", printed, re.MULTILINE)
    assert found
    assert float(found[1]) > 90
    assert Path("clothes.png").read_bytes().startswith(b"\x89PNG")
    assert errors == ""
    assert [line for line in printed.splitlines() if len(line) > 80] == []


def test_no_network_and_no_files_says_what_to_put_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RUN, "--data-dir", "pictures"]) == 2
    errors = capsys.readouterr().err
    assert "cannot be downloaded" in errors
    assert "Name or service not known" in errors
    for name in FILES:
        assert f"  {name}\n" in errors
    assert f"  {tmp_path / 'pictures' / 'FashionMNIST' / 'raw'}\n" in errors
    assert "Traceback" not in errors
    assert not Path("demo.png").exists()


def test_a_packed_file_that_is_cut_off_is_named(
    write_fashion_mnist: WriteIdx, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_fashion_mnist(packed=True)
    raw = folder / "FashionMNIST" / "raw"
    (raw / FILES[2]).write_bytes((raw / FILES[2]).read_bytes()[:1000])
    assert main([*RUN, "--data-dir", str(folder)]) == 2
    assert f"damaged: {FILES[2]}" in capsys.readouterr().err
    assert not (raw / data.FASHION_MNIST_FILES[2]).exists()


@pytest.mark.parametrize("name", data.FASHION_MNIST_FILES)
@pytest.mark.parametrize("length", [0, 2, 6, 12, 40])
def test_an_unpacked_file_that_is_cut_off_is_an_error(
    name: str, length: int, write_fashion_mnist: WriteIdx
) -> None:
    folder = write_fashion_mnist(packed=False)
    path = folder / "FashionMNIST" / "raw" / name
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DemoError, match="damaged"):
        data.load("fashion-mnist", folder)


def test_a_single_image_is_left_out_of_training_not_of_the_test(
    write_fashion_mnist: WriteIdx,
) -> None:
    images = data.load("fashion-mnist", write_fashion_mnist(packed=False, train=33, held_out=33))
    assert [len(labels) for _, labels in data.batches(images.train, 16, shuffle_seed=0)] == [16, 16]
    assert [len(labels) for _, labels in data.batches(images.held_out, 16)] == [16, 16, 1]
