"""The `.metadata` of a checkpoint folder, read without running anything that is in it.

`torch.distributed.checkpoint` writes it with pickle. Here each class of torch's is replaced by a
record without behaviour, any other name is refused, and torch's own classes are made of the
records once their values are known to be sound.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import torch
from torch.distributed.checkpoint.filesystem import _StorageInfo
from torch.distributed.checkpoint.metadata import (
    BytesStorageMetadata,
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    StorageMeta,
    TensorProperties,
    TensorStorageMetadata,
)

NAME = ".metadata"
Entries = dict[str, TensorStorageMetadata | BytesStorageMetadata]
_TORCH = "torch.distributed.checkpoint"
#: What torch's own files name beside dtypes. The file's types are these words.
_MEMORY_FORMAT = (f"{_TORCH}.metadata", "_MEM_FORMAT_ENCODING")
_RECORDS = {
    (f"{_TORCH}.metadata", "Metadata"),
    (f"{_TORCH}.metadata", "TensorStorageMetadata"),
    (f"{_TORCH}.metadata", "BytesStorageMetadata"),
    (f"{_TORCH}.metadata", "ChunkStorageMetadata"),
    (f"{_TORCH}.metadata", "TensorProperties"),
    (f"{_TORCH}.metadata", "MetadataIndex"),
    (f"{_TORCH}.metadata", "StorageMeta"),
    _MEMORY_FORMAT,
    (f"{_TORCH}.filesystem", "_StorageInfo"),
    ("torch", "Size"),
    ("torch.serialization", "_get_layout"),
    ("pathlib", "PosixPath"),
    ("pathlib", "WindowsPath"),
    ("pathlib._local", "PosixPath"),
    ("pathlib._local", "WindowsPath"),
}


def read_metadata(folder: Path) -> Metadata:
    """The metadata of a checkpoint whose data files are there, whole, and large enough.

    Raises:
        ValueError: the folder is no checkpoint, or a file of it is missing, damaged or refused.
        OSError: it cannot be read.
    """
    file = folder / NAME
    if not file.is_file():
        raise ValueError(f"there is no {NAME} in it" if folder.is_dir() else "there is no folder")
    with file.open("rb") as opened:
        read = _unpickled(opened)
    if _type_of(read) != "Metadata":
        raise ValueError(f"{NAME} holds no metadata")
    entries = _entries(_of(read, "state_dict_metadata", dict))
    storage = _storage(_of(read, "storage_data", dict))
    _require_data(folder, entries, storage)
    return Metadata(entries, None, storage, StorageMeta(), None)


# ---- unpickling


class _Record:
    """An object of a file: its type as a word, what it was called with, and its state."""

    word = ""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments
        self.state: object = {}

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Unpickler(pickle._Unpickler):
    """In Python: the memo of the one in C takes any amount of memory that a file asks for."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        # New classes for each file, which may change what it names.
        self.records = {
            (module, name): type(name, (_Record,), {"word": name}) for module, name in _RECORDS
        }

    def find_class(self, module: str, name: str) -> object:
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        if (module, name) == ("builtins", "getattr"):
            return self._member
        try:
            return self.records[module, name]
        except KeyError:
            raise ValueError(f"{NAME} names {module}.{name}, which torch does not write") from None

    def _member(self, record: object, name: object) -> _Record:
        """A member of an enumeration, which Python 3.11.0 to 3.11.3 pickle by ``getattr``."""
        if record is not self.records[_MEMORY_FORMAT] or not isinstance(name, str):
            raise ValueError(f"{NAME} names builtins.getattr, which torch does not write")
        member: _Record = self.records[_MEMORY_FORMAT](name)
        return member

    def persistent_load(self, number: object) -> object:
        raise ValueError(f"{NAME} refers to what is not in it")


def _unpickled(file: IO[bytes]) -> object:
    """
    Raises:
        ValueError: it is damaged, or names anything else than torch's metadata.
    """
    try:
        found: object = _Unpickler(file).load()
    except ValueError:
        raise
    except Exception as problem:  # damaged pickles end in exceptions of many kinds
        reason = " ".join(f"{type(problem).__name__}: {problem}".split())[:200]
        raise ValueError(f"{NAME} is damaged: {reason}") from problem
    return found


# ---- records to torch's classes


def _type_of(value: object) -> str:
    return value.word if isinstance(value, _Record) else ""


def _of(value: object, name: str, kind: type) -> Any:
    """An attribute of a record.

    Raises:
        ValueError: it has none of that kind.
    """
    state = value.state if isinstance(value, _Record) else None
    found = state.get(name) if isinstance(state, dict) else None
    if type(found) is not kind:
        raise ValueError(f"{NAME} is damaged: {name} is no {kind.__name__}")
    return found


def _numbers(value: object) -> torch.Size:
    """A `torch.Size`."""
    if _type_of(value) == "Size":
        assert isinstance(value, _Record)
        value = value.arguments[0] if len(value.arguments) == 1 else None
    if not isinstance(value, tuple | list) or not all(type(one) is int for one in value):
        raise ValueError(f"{NAME} is damaged: a shape is no numbers")
    if not all(0 <= one < 2**63 for one in value):
        raise ValueError(f"{NAME} is damaged: a shape has sizes out of range")
    return torch.Size(value)


def _entries(read: Mapping[object, object]) -> Entries:
    makers: dict[str, Callable[[object], TensorStorageMetadata | BytesStorageMetadata]] = {
        "TensorStorageMetadata": _tensor,
        "BytesStorageMetadata": lambda _: BytesStorageMetadata(),
    }
    entries: Entries = {}
    for name, value in read.items():
        maker = makers.get(_type_of(value))
        if not isinstance(name, str) or maker is None:
            raise ValueError(f"{NAME} is damaged: an entry is neither a tensor nor bytes")
        entries[name] = maker(value)
    return entries


def _tensor(value: object) -> TensorStorageMetadata:
    size = _numbers(_state(value).get("size"))
    properties = _state(value).get("properties")
    state = properties.state if isinstance(properties, _Record) else None
    dtype = state[0] if isinstance(state, tuple) and state else None
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"{NAME} is damaged: a tensor has no dtype")
    chunks = []
    for chunk in _of(value, "chunks", list):
        offsets, sizes = (_numbers(_state(chunk).get(name)) for name in ("offsets", "sizes"))
        ends = [at + count for at, count in zip(offsets, sizes, strict=False)]
        if not len(offsets) == len(sizes) == len(size) or any(
            end > whole for end, whole in zip(ends, size, strict=True)
        ):
            raise ValueError(f"{NAME} is damaged: a part is outside of its tensor")
        chunks.append(ChunkStorageMetadata(offsets, sizes))
    if sum(math.prod(chunk.sizes) for chunk in chunks) != math.prod(size):
        raise ValueError(f"{NAME} is damaged: the parts of a tensor are not the whole")
    return TensorStorageMetadata(TensorProperties(dtype), size, chunks)


def _state(value: object) -> Mapping[str, object]:
    state = value.state if isinstance(value, _Record) else None
    return state if isinstance(state, dict) else {}


def _storage(read: Mapping[object, object]) -> dict[MetadataIndex, _StorageInfo]:
    storage = {}
    for key, value in read.items():
        fqn, offset = _of(key, "fqn", str), _state(key).get("offset")
        index = _state(key).get("index")
        info = _StorageInfo(
            _of(value, "relative_path", str), _of(value, "offset", int), _of(value, "length", int)
        )
        path = info.relative_path
        if Path(path).name != path or "\\" in path or "\0" in path:
            raise ValueError(f"{NAME} names {path[:100]!r}, which is not a file beside it")
        if info.offset < 0 or info.length < 0 or _state(value).get("transform_descriptors"):
            raise ValueError(f"{NAME} is damaged: {path[:100]} is read in an unknown way")
        where = MetadataIndex(
            fqn,
            None if offset is None else _numbers(offset),
            index if type(index) is int else None,
        )
        storage[where] = info
    return storage


def _require_data(
    folder: Path, entries: Entries, storage: Mapping[MetadataIndex, _StorageInfo]
) -> None:
    """
    Raises:
        ValueError: a data file is missing or too short, or has no room for what is said of it.
    """
    lengths: dict[str, int] = {}
    for info in storage.values():
        end = info.offset + info.length
        lengths[info.relative_path] = max(end, lengths.get(info.relative_path, 0))
    total = 0
    for name, length in lengths.items():
        file = folder / name
        if not file.is_file():
            raise ValueError(f"its file {name} is missing")
        size = file.stat().st_size
        total += size
        if size < length:
            raise ValueError(
                f"its file {name} is cut off: it has {size:,} bytes of at least {length:,}"
            )
    needed = 0
    for fqn, entry in entries.items():
        for where in _places(fqn, entry):
            if where not in storage:
                raise ValueError(f"{NAME} is damaged: it does not say where {fqn} is")
        if isinstance(entry, TensorStorageMetadata):
            needed += math.prod(entry.size) * entry.properties.dtype.itemsize
    if needed > total:
        raise ValueError(
            f"{NAME} tells of {needed:,} bytes of tensors, but its files have {total:,}"
        )


def _places(fqn: str, entry: TensorStorageMetadata | BytesStorageMetadata) -> Iterable[Any]:
    if isinstance(entry, TensorStorageMetadata):
        return [MetadataIndex(fqn, chunk.offsets) for chunk in entry.chunks]
    return [MetadataIndex(fqn)]
