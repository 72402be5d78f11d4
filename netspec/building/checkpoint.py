"""Weights in files: tensors by name, mapped into memory and not read until they are used."""

from __future__ import annotations

import json
import os
import pickle
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from netspec.diagnostics import Diagnostic, Location, SpecError, listed
from netspec.source.nodes import shortened
from netspec.weights.argument import MAX_KEY

#: The ends of an index's name, with those of its shards.
INDEXES = {".safetensors.index.json": ".safetensors", ".bin.index.json": ".bin"}
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", *INDEXES)
SAVE = "save it with `torch.save(model.state_dict(), file)`"
MAX_INDEX = 100_000_000  # bytes of an index; one of a thousand shards has some 100 kB
MAX_NAME = 255  # letters in the name of a shard
MAX_SHOWN = 200  # letters of a path or of another library's words in a message


class Checkpoint(NamedTuple):
    """What a file holds by name, tensors and whatever else was saved beside them.

    ``versions`` are those of modules by their paths, which ``Module.load_state_dict`` asks for.
    """

    entries: Mapping[str, object]
    versions: Mapping[str, Mapping[str, int]] = {}

    def require_names(self, path: Path) -> None:
        """
        Raises:
            SpecError: a name is longer than that of any parameter.
        """
        name = next((name for name in self.entries if len(name) > MAX_KEY), None)
        if name is not None:
            message = f"the name {shortened(name)!r} has {len(name):,} letters"
            raise unusable(path, f"{message}, and may have {MAX_KEY:,}")

    def inside(self, name: str) -> Checkpoint | None:
        """The entry of a name, where it is a mapping."""
        found = self.entries[name]
        return _checkpoint(found) if isinstance(found, Mapping) else None


def read_checkpoint(path: Path) -> Checkpoint:
    """The entries of a checkpoint on the cpu, those of all shards where it is an index.

    The tensors' memory is the file's, mapped privately: what is changed never reaches it.

    Raises:
        SpecError: there is no such file, or it is no checkpoint.
    """
    require_file(path)
    for index, suffix in INDEXES.items():
        if path.name.endswith(index):
            return Checkpoint(_of_shards(path, suffix))
    if path.suffix == ".safetensors":
        return Checkpoint(_of_safetensors(path))
    if path.suffix in SUFFIXES:
        return _of_torch(path)
    raise unusable(path, f"the name must end with {listed(SUFFIXES, 'or')}")


def require_file(path: Path) -> None:
    """
    Raises:
        SpecError: there is no such file, or nothing that can be read from its beginning to its end.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise unusable(path, "there is no such file") from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise unusable(path, f"it cannot be read: {reason}") from None
    if stat.S_ISDIR(mode):
        raise unusable(path, "it is a folder, not a file of weights")
    if not stat.S_ISREG(mode):
        raise unusable(path, "it is a device, a pipe or a socket, not a file of weights")


def unusable(path: Path, problem: str, *help: str) -> SpecError:
    """That a file cannot be used as weights."""
    where = Location(shortened(str(path), MAX_SHOWN))
    return SpecError([Diagnostic("bad-weights", problem, where, help=help)])


def _of_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        help = "pip install 'netspec[safetensors]'"
        raise unusable(path, "safetensors is not installed", help) from None
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, RuntimeError, MemoryError) as problem:
        raise unusable(
            path, f"it cannot be read as .safetensors: {_first_line(problem)}", *_truncated(path)
        ) from problem


def _of_torch(path: Path) -> Checkpoint:
    import torch

    try:
        is_zip = zipfile.is_zipfile(path)
        if is_zip:
            with zipfile.ZipFile(path) as archive:
                # A small file could become a large one in memory.
                if any(one.compress_type for one in archive.infolist()):
                    raise ValueError("its entries are compressed, which torch.save never does")
        # The format of torch before 1.6 is no zip file, and cannot be mapped.
        found: object = torch.load(path, map_location="cpu", mmap=is_zip, weights_only=True)
    except Exception as problem:  # pickle, zip and torch have exceptions of their own
        help = _truncated(path) or (SAVE,)
        raise unusable(path, f"it cannot be read: {_reason(problem)}", *help) from problem
    if not isinstance(found, Mapping):
        raise unusable(path, f"it holds a {type(found).__name__}, not tensors by name", SAVE)
    checkpoint = _checkpoint(found)
    if checkpoint is None:
        key = next(key for key in found if not isinstance(key, str))
        kind = type(key).__name__
        raise unusable(path, f"it has {_shown(key)} ({kind}) as a name, and names are texts")
    return checkpoint


def _checkpoint(found: Mapping[Any, object]) -> Checkpoint | None:
    """The entries of a mapping; None where a key is no text."""
    if not all(isinstance(key, str) for key in found):
        return None
    versions = getattr(found, "_metadata", None)  # of what Module.state_dict makes
    if not isinstance(versions, Mapping):
        versions = {}
    whole = {
        path: {"version": value["version"]}
        for path, value in versions.items()
        if isinstance(path, str)
        and isinstance(value, Mapping)
        and type(value.get("version")) is int
    }
    return Checkpoint(dict(found), whole)


def _truncated(path: Path) -> tuple[str, ...]:
    """The help for a file whose end is missing."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(9)
            needed = 0
            if path.suffix == ".safetensors" and start[8:] == b"{":
                # https://huggingface.co/docs/safetensors/index#format
                length = int.from_bytes(start[:8], "little")
                needed = 8 + length
                if needed <= min(size, MAX_INDEX):
                    header = json.loads(start[8:] + file.read(length - 1))
                    needed += max(
                        one["data_offsets"][1] for one in header.values() if "dtype" in one
                    )
            elif start.startswith(b"PK\x03\x04") and not zipfile.is_zipfile(path):
                needed = size + 1  # the table of a zip file is at its end
    except Exception:  # what else is wrong with it
        return ()
    if not start:
        return ("the file is empty: save or download it again",)
    return ("the file's end is missing: save or download it again",) if needed > size else ()


def _reason(problem: Exception) -> str:
    """Why torch does not read a file; its own words advise to run what is in it."""
    if not isinstance(problem, pickle.UnpicklingError):
        return _first_line(problem)
    found = re.search(r"GLOBAL ([\w.]+)|class ([\w.]+)", str(problem))
    if found is None:
        return "it is no file of tensors"
    return f"it holds {shortened(found[1] or found[2], 80)}, and reading that could run code"


def _first_line(problem: Exception) -> str:
    text = str(problem).partition("\n")[0].strip()
    return shortened(text or type(problem).__name__, MAX_SHOWN)


def _shown(key: object) -> str:
    """A key that is no text, where it is sure to be short."""
    return shortened(repr(key)) if isinstance(key, int | float | None) else "such a key"


def _of_shards(path: Path, suffix: str) -> dict[str, object]:
    """The entries that an index names, from the files beside it with this suffix.

    ``{"weight_map": {"0.weight": "model-00001-of-00002.safetensors"}}``, as Hugging Face's
    ``save_pretrained`` writes it: https://huggingface.co/docs/transformers/big_models
    """
    try:
        if path.stat().st_size > MAX_INDEX:
            raise ValueError(f"it has more than {MAX_INDEX:,} bytes")
        names = json.loads(path.read_text("utf-8"))["weight_map"]
        shards = {str(key): str(name) for key, name in names.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise unusable(
            path, f"it is no index of shards: {type(problem).__name__}: {_first_line(problem)}"
        ) from problem
    tensors: dict[str, object] = {}
    for shard in sorted(set(shards.values())):
        # Of the names of files, the longest has 255 bytes on all common systems.
        is_name = Path(shard).name == shard and len(shard) <= MAX_NAME and "\0" not in shard
        if not is_name or not shard.endswith(suffix):
            shown = shortened(shard, 80)
            raise unusable(path, f"{shown!r} is not the name of a {suffix} file beside it")
        if not os.path.isfile(path.parent / shard):
            raise unusable(path, f"its shard {shard} is not there")
        file = path.parent / shard
        tensors |= _of_safetensors(file) if suffix == ".safetensors" else _of_torch(file).entries
    lost = next((key for key in shards if key not in tensors), None)
    if lost is not None:
        where = f"{shards[lost]}, where the index says it is"
        raise unusable(path, f"{shortened(lost, 80)} is not in {where}")
    return tensors
