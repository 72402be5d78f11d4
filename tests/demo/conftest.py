"""What the demo's tests share: the repository's root to import from, specs, small data files."""

import gzip
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

WriteIdx = Callable[..., Path]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo writes into the current folder by default: let that be a new one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[[str], str]:
    """Write a spec's text to a file; its path."""

    def write(text: str) -> str:
        path = tmp_path / "model.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def write_fashion_mnist(tmp_path: Path) -> WriteIdx:
    """Write small IDX files, 10 noisy patterns of 28 x 28 pixels; the folder for --data-dir."""

    def write(*, packed: bool, train: int = 256, held_out: int = 64) -> Path:
        random = np.random.default_rng(0)
        patterns = random.integers(0, 256, (10, 28, 28))
        raw = tmp_path / "images" / "FashionMNIST" / "raw"
        raw.mkdir(parents=True)
        for part, count in (("train", train), ("t10k", held_out)):
            labels = np.arange(count) % 10
            noise = random.integers(-40, 41, (count, 28, 28))
            images = np.clip(patterns[labels] + noise, 0, 255)
            contents = {
                f"{part}-images-idx3-ubyte": struct.pack(">4i", 0x803, count, 28, 28)
                + images.astype(np.uint8).tobytes(),
                f"{part}-labels-idx1-ubyte": struct.pack(">2i", 0x801, count)
                + labels.astype(np.uint8).tobytes(),
            }
            for name, content in contents.items():
                if packed:
                    (raw / f"{name}.gz").write_bytes(gzip.compress(content))
                else:
                    (raw / name).write_bytes(content)
        return tmp_path / "images"

    return write
