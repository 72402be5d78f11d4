"""Weights in files: tensors by name, mapped into memory and not read until they are used."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from netspec.diagnostics import Diagnostic, Location, SpecError, listed

INDEX = ".safetensors.index.json"
SUFFIXES = (".safetensors", INDEX, ".pt", ".pth", ".bin")
MAX_INDEX = 100_000_000  # bytes of an index; one of a thousand shards has some 100 kB
SHOWN = 5


def read_tensors(file: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a checkpoint on the cpu, those of all shards where it is an index.

    Their memory is the file's, mapped privately: what is changed never reaches it.

    Raises:
        SpecError: there is no such file, or it is no checkpoint.
    """
    path = Path(file)
    if not path.exists():
        raise unusable(path, "there is no such file")
    if path.name.endswith(INDEX):
        return _of_shards(path)
    if path.suffix == ".safetensors":
        return _of_safetensors(path)
    if path.suffix in SUFFIXES:
        return _of_torch(path)
    raise unusable(path, f"the name must end with {listed(SUFFIXES, 'or')}")


def under_one_key(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without further keys of the same one, which safetensors refuses.

    The first by the alphabet stays, as with ``safetensors.torch.save_model``, whose metadata about
    the others is left out: its order is another in each file.
    """
    first: dict[object, str] = {}
    for key in sorted(tensors):
        tensor = tensors[key]
        memory = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        first.setdefault(memory if tensor.numel() else key, key)
    kept = set(first.values())
    return {key: tensor for key, tensor in tensors.items() if key in kept}


def unusable(path: Path, problem: str, *help: str) -> SpecError:
    """That a file cannot be used as weights."""
    return SpecError([Diagnostic("bad-weights", problem, Location(str(path)), help=help)])


def _of_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        help = "pip install 'netspec[safetensors]'"
        raise unusable(path, "safetensors is not installed", help) from None
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as problem:
        raise unusable(path, f"it cannot be read: {problem}") from problem


def _of_torch(path: Path) -> dict[str, Tensor]:
    import torch

    try:
        found: Any = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except Exception as problem:  # pickle, zip and torch have exceptions of their own
        first = str(problem).partition("\n")[0]
        raise unusable(
            path,
            f"it cannot be read: {first[:200]}",
            "save it with `torch.save(model.state_dict(), file)`",
        ) from problem
    if isinstance(found, Mapping) and all(isinstance(value, Tensor) for value in found.values()):
        return dict(found)
    keys = [repr(key) for key in found][:SHOWN] if isinstance(found, Mapping) else []
    what = f"a mapping with {listed(keys)}" if keys else f"a {type(found).__name__}"
    raise unusable(path, f"it holds {what}, not tensors by name", "save the `state_dict` alone")


def _of_shards(path: Path) -> dict[str, Tensor]:
    """The tensors that an index names, from the files beside it.

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
            path, f"it is no index of shards: {type(problem).__name__}: {problem}"
        ) from problem
    tensors: dict[str, Tensor] = {}
    for shard in sorted(set(shards.values())):
        if Path(shard).name != shard or not shard.endswith(".safetensors"):
            raise unusable(path, f"{shard!r} is not the name of a .safetensors file beside it")
        if not (path.parent / shard).is_file():
            raise unusable(path, f"its shard {shard} is not there")
        tensors |= _of_safetensors(path.parent / shard)
    lost = [key for key in shards if key not in tensors]
    if lost:
        raise unusable(path, f"{lost[0]} is not in {shards[lost[0]]}, where the index says it is")
    return tensors
