"""Checkpoint folders that are damaged, prepared, or cannot be written: what is said, what stays."""

from __future__ import annotations

import os
import pickle
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed.checkpoint.metadata import (
    _MEM_FORMAT_ENCODING,
    MetadataIndex,
    TensorStorageMetadata,
)

import netspec
from netspec.distributed import Distributed, consolidate, load_checkpoint, save_checkpoint

SPEC = netspec.loads("netspec: 1\ninput: [N, 4]\nlayers: {up: {linear: 64}, down: {linear: 2}}\n")
ROOT = Path(__file__).parents[2]
MARK = "NETSPEC_TEST_RAN_CODE"
LR = MetadataIndex("optimizer.param_groups.up.weight.lr")


class Prepared:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (f"import os; os.environ[{MARK!r}] = '1'",)


def made(seed: int = 0) -> tuple[Distributed, torch.optim.Optimizer]:
    found = netspec.distribute(SPEC, {"placement": 1}, device="cpu", seed=seed)
    optimizer = torch.optim.SGD(found.model.parameters(), lr=0.1, momentum=0.9)
    inputs = torch.ones(2, 4)
    found.step(inputs, inputs, lambda outputs, _: outputs.square().mean())
    optimizer.step()
    return found, optimizer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(MARK, raising=False)
    found, optimizer = made()
    save_checkpoint(found, tmp_path / "saved", optimizer)
    return tmp_path / "saved"


def data(folder: Path) -> Path:
    (file,) = folder.glob("*.distcp")
    return file


def changed(folder: Path, change: Callable[[Any], object]) -> None:
    """The folder's metadata with a change, or with what `change` returns in its place."""
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    made_anew = change(metadata)
    (folder / ".metadata").write_bytes(pickle.dumps(metadata if made_anew is None else made_anew))


def renamed(metadata: Any) -> None:
    for info in metadata.storage_data.values():
        info.relative_path = f"../saved/{info.relative_path}"


def enlarged(metadata: Any) -> None:
    for entry in metadata.state_dict_metadata.values():
        if isinstance(entry, TensorStorageMetadata):
            entry.size = torch.Size([2**40, *entry.size[1:]])
            entry.chunks[0].sizes = entry.size


def with_prepared_bytes(folder: Path) -> None:
    """The learning rate is read from bytes that are appended to the data."""
    start = data(folder).stat().st_size
    with data(folder).open("ab") as file:
        torch.save(Prepared(), file)

    def change(metadata: Any) -> None:
        info = metadata.storage_data[LR]
        info.offset, info.length = start, data(folder).stat().st_size - start

    changed(folder, change)


def with_damaged_tensor(folder: Path) -> None:
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    info = metadata.storage_data[MetadataIndex("model.up.weight", (0, 0))]
    with data(folder).open("r+b") as file:
        file.seek(info.offset)
        file.write(bytes(info.length))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "code in the metadata": (
        lambda folder: changed(folder, lambda _: Prepared()),
        r".metadata names builtins.exec, which torch does not write",
    ),
    "another class of torch": (
        lambda folder: changed(folder, lambda _: torch.nn.Linear),
        r".metadata names torch.nn.modules.linear.Linear",
    ),
    "no metadata object": (
        lambda folder: changed(folder, lambda _: [1]),
        ".metadata holds no metadata",
    ),
    "code in the data": (with_prepared_bytes, "a file of it is damaged or refused"),
    "a damaged tensor": (with_damaged_tensor, "a file of it is damaged or refused"),
    "a file of another folder": (lambda folder: changed(folder, renamed), "not a file beside it"),
    "more than there is": (lambda folder: changed(folder, enlarged), "but its files have"),
    "no metadata": (lambda folder: (folder / ".metadata").unlink(), "there is no .metadata in it"),
    "half the metadata": (
        lambda folder: os.truncate(folder / ".metadata", 500),
        ".metadata is damaged",
    ),
    "empty metadata": (lambda folder: os.truncate(folder / ".metadata", 0), ".metadata is damaged"),
    "no data": (lambda folder: data(folder).unlink(), r"its file \S+ is missing"),
    "half the data": (
        lambda folder: os.truncate(data(folder), 1000),
        r"its file \S+ is cut off: it has 1,000 bytes of at least",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_folder_is_refused_and_runs_nothing(fault: str, folder: Path) -> None:
    spoil, message = FAULTS[fault]
    spoil(folder)
    found, optimizer = made(seed=1)
    with pytest.raises(netspec.SpecError) as caught:
        load_checkpoint(found, folder, optimizer)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "bad-checkpoint"
    assert re.search(message, diagnostic.message)
    if fault != "code in the data":  # which only the optimizer's state has
        output = folder.parent / "model.safetensors"
        with pytest.raises(netspec.SpecError, match=message):
            consolidate(folder, output)
        assert not output.exists()
    assert MARK not in os.environ


def test_a_checkpoint_of_python_3_11_0_to_3_11_3_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They pickle a member of an enumeration as a call of `getattr`."""
    by_name = lambda self, protocol: (getattr, (type(self), self._name_))  # noqa: E731
    monkeypatch.setattr(_MEM_FORMAT_ENCODING, "__reduce_ex__", by_name)
    found, optimizer = made(seed=1)
    save_checkpoint(found, folder, optimizer)
    assert b"getattr" in (folder / ".metadata").read_bytes()
    load_checkpoint(found, folder, optimizer)


class PreparedMember:
    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (TensorStorageMetadata, "__init__")


def test_getattr_of_anything_else_is_refused(folder: Path) -> None:
    changed(folder, lambda _: PreparedMember())
    found, optimizer = made(seed=1)
    with pytest.raises(netspec.SpecError, match=r"names builtins\.getattr"):
        load_checkpoint(found, folder, optimizer)


def test_a_small_file_does_not_take_much_memory(folder: Path) -> None:
    """The memo of the unpickler in C grows to the number in `LONG_BINPUT`: 64 GB."""
    (folder / ".metadata").write_bytes(b"\x80\x02Nr\xff\xff\xff\xff0N.")
    with pytest.raises(netspec.SpecError, match="holds no metadata"):
        consolidate(folder, folder.parent / "model.safetensors")


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond 1,000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # it would be cut off
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_none
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_checkpoint_and_no_half_of_a_new_one(folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    found, optimizer = made(seed=1)
    output = folder.parent / "model.safetensors"
    attempts: list[Callable[[], None]] = [
        lambda: save_checkpoint(found, folder, optimizer),
        lambda: save_checkpoint(found, folder.parent / "new", optimizer),
        lambda: consolidate(folder, output),
    ]
    for attempt in attempts:
        with full_disk(), pytest.raises(OSError, match=r"cannot be written to .*: .*ulimit"):
            attempt()
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["saved"]


KILLED = """
import os, sys
import torch.distributed.checkpoint.filesystem as filesystem
from tests.distributed.test_checkpoint_files import made, save_checkpoint

name = sys.argv[2]

def killed(*arguments, **named):
    os.kill(os.getpid(), 9)

if name == "data":
    filesystem._write_item = killed
else:
    os.replace = killed
found, optimizer = made(seed=1)
save_checkpoint(found, sys.argv[1], optimizer)
"""


@pytest.mark.parametrize("when", ["data", "metadata"])
def test_a_process_that_is_killed_leaves_the_old_checkpoint(when: str, folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), when], cwd=ROOT)
    assert done.returncode == -9
    after = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert before.items() < after.items()
    found, optimizer = made()
    load_checkpoint(found, folder, optimizer)
    save_checkpoint(found, folder, optimizer)  # which removes what the killed one left
    assert len(list(folder.iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_prepared_folder_is_not_written_through(kind: str, folder: Path) -> None:
    precious = folder.parent / "precious"
    precious.write_text("text", "utf-8")
    prepared = folder / ".metadata.tmp"
    if kind == "link":
        prepared.symlink_to(precious)
    else:
        os.mkfifo(prepared)
    found, optimizer = made()
    save_checkpoint(found, folder, optimizer)
    assert precious.read_text("utf-8") == "text"
    load_checkpoint(found, folder, optimizer)


def test_a_new_checkpoint_replaces_the_old_one(folder: Path) -> None:
    before = {file.name for file in folder.glob("*.distcp")}
    found, optimizer = made(seed=1)
    save_checkpoint(found, folder, optimizer)
    assert len(list(folder.iterdir())) == 2
    assert before.isdisjoint(file.name for file in folder.iterdir())
    other, other_optimizer = made(seed=2)
    load_checkpoint(other, folder, other_optimizer)
    for name, value in found.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name])


@pytest.mark.parametrize("path", ["file", "file/inner"])
def test_a_path_that_is_no_folder_is_told(path: str, folder: Path) -> None:
    (folder.parent / "file").write_text("text", "utf-8")
    found, optimizer = made()
    with pytest.raises(OSError, match=rf"the checkpoint cannot be written to .*{path}: "):
        save_checkpoint(found, folder.parent / path, optimizer)
    with pytest.raises(OSError, match="the weights cannot be written to"):
        consolidate(folder, folder.parent / "file" / "model.safetensors")
    with pytest.raises(netspec.SpecError, match="there is no"):
        load_checkpoint(found, folder.parent / path, optimizer)
    assert (folder.parent / "file").read_text("utf-8") == "text"
