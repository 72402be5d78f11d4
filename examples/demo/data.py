"""The images that the demo learns from, a part of them held out."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from .failure import DemoError, reason

FASHION_MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
NETWORK_PATIENCE = 20.0  # seconds without an answer after which a download is given up


class Examples(Protocol):
    """A data set: pairs of an image, float32 [C, H, W] from 0 to 1, and its class, an int."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[Tensor, Any]: ...


@dataclass(frozen=True)
class Images:
    """Labelled images: ``train`` to learn from, ``held_out`` to be judged by."""

    title: str
    classes: tuple[str, ...]
    train: Examples
    held_out: Examples


def batches(
    examples: Examples, batch_size: int, *, shuffle_seed: int | None = None
) -> DataLoader[Any]:
    """Batches of images [N, C, H, W] and classes [N]; shuffled anew each epoch under a seed.

    A last batch of a single image is left out when shuffled: batch norm cannot learn from one.
    """
    shuffle = shuffle_seed is not None
    return DataLoader(
        cast("Dataset[Any]", examples),
        batch_size=batch_size,
        shuffle=shuffle,
        drop_last=shuffle and batch_size > 1 and len(examples) % batch_size == 1,
        generator=torch.Generator().manual_seed(shuffle_seed) if shuffle_seed is not None else None,
    )


def load(name: str, folder: Path) -> Images:
    """The images called ``digits`` or ``fashion-mnist``; ``folder`` keeps what is downloaded."""
    return fashion_mnist(folder) if name == "fashion-mnist" else digits()


def digits() -> Images:
    """scikit-learn's handwritten digits [1, 8, 8]; every fifth of each digit is held out."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    found = load_digits()
    pixels = torch.tensor(found.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(found.target)
    train, held_out, train_labels, held_out_labels = train_test_split(
        pixels, labels, test_size=0.2, stratify=labels, random_state=0
    )
    return Images(
        title="the handwritten digits that come with scikit-learn",
        classes=tuple(str(digit) for digit in range(10)),
        train=TensorDataset(train, train_labels),
        held_out=TensorDataset(held_out, held_out_labels),
    )


def fashion_mnist(folder: Path) -> Images:
    """FashionMNIST [1, 28, 28] from torchvision, downloaded into ``folder`` when it is not there.

    Files put there by hand are used as they are, packed (.gz) or unpacked.
    """
    from torchvision import datasets
    from torchvision.transforms import ToTensor

    raw = folder / "FashionMNIST" / "raw"
    damaged = _unpack(raw)
    if any(not (raw / name).is_file() for name in FASHION_MNIST_FILES):
        _download(folder, raw, damaged)
    try:
        train, held_out = (
            datasets.FashionMNIST(folder, train=train, transform=ToTensor())
            for train in (True, False)
        )
        for part in (train, held_out):
            if len(part.data) != len(part.targets) or not len(part.data):
                raise ValueError(f"{len(part.data)} images, but {len(part.targets)} labels")
            if part.targets.max() >= len(part.classes):
                raise ValueError(f"a label is {int(part.targets.max())}, the largest class is 9")
    # torchvision's reader meets files that are cut off with any of these
    except (OSError, RuntimeError, ValueError, TypeError, AssertionError, LookupError) as error:
        raise DemoError(
            f"the files in {raw} are damaged: {reason(error)}\nDelete that folder and start again."
        ) from error
    return Images(
        title="FashionMNIST, photographs of clothes, from torchvision",
        classes=tuple(train.classes),
        train=cast("Examples", train),
        held_out=cast("Examples", held_out),
    )


def _unpack(raw: Path) -> list[str]:
    """Unpack each .gz file in ``raw`` that is not unpacked yet; the names of the damaged ones."""
    from torchvision.datasets.utils import extract_archive

    damaged = []
    for name in FASHION_MNIST_FILES:
        packed = raw / f"{name}.gz"
        if (raw / name).is_file() or not packed.is_file():
            continue
        try:
            with tempfile.TemporaryDirectory(dir=raw) as half_done:
                extract_archive(str(packed), half_done)
                os.replace(Path(half_done, name), raw / name)
        except (OSError, EOFError, ValueError):
            damaged.append(packed.name)
    return damaged


def _download(folder: Path, raw: Path, damaged: list[str]) -> None:
    """Let torchvision download the files; a DemoError says what to put where when it cannot."""
    from torchvision import datasets

    try:
        with _network_patience():
            datasets.FashionMNIST(folder, download=True)
    except (OSError, RuntimeError) as error:  # no network, a full disk, an unwritable folder
        why = reason(error)
        if damaged:
            why += f"\n  damaged: {', '.join(damaged)}"
        files = "\n".join(f"  {name}.gz" for name in FASHION_MNIST_FILES)
        raise DemoError(
            f"FashionMNIST is not on this machine and cannot be downloaded:\n  {why}\n"
            f"Put these four files (as they are, or unpacked)\n{files}\n"
            f"into the folder\n  {raw.resolve()}\n"
            f"from  {datasets.FashionMNIST.mirrors[0]}\n"
            "or    https://github.com/zalandoresearch/fashion-mnist\n"
            "Without a network:  python -m examples.demo --data digits"
        ) from error


@contextmanager
def _network_patience() -> Iterator[None]:
    """A dead connection ends with an error; torchvision itself would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(NETWORK_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
