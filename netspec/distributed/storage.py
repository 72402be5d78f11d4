"""How checkpoint folders are read and written: torch's readers and writers, made safe.

Reading runs no code of the folder. Writing leaves an older checkpoint as it is until the new one is
complete, and nothing of a new one that fails.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner
from torch.distributed.checkpoint.filesystem import (
    FileSystem,
    FileSystemReader,
    FileSystemWriter,
)
from torch.distributed.checkpoint.metadata import Metadata
from torch.distributed.checkpoint.planner import ReadItem, SavePlan

from netspec.distributed.metadata import NAME
from netspec.files import OutputFile

SUFFIX = ".distcp"


class Reader(FileSystemReader):
    """Reads data by metadata that has been checked."""

    def __init__(self, folder: Path, metadata: Metadata) -> None:
        super().__init__(folder)
        self.metadata = metadata

    def read_metadata(self, *arguments: Any, **named: Any) -> Metadata:
        """What was checked, and not the file again."""
        return self.metadata


class Planner(DefaultLoadPlanner):
    """Reads values that are no tensors (learning rates, counts) without running code."""

    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        read = torch.load(value, weights_only=True)
        plain = io.BytesIO()  # torch's planner would read anything that is in the file
        torch.save(read, plain)
        plain.seek(0)
        super().load_bytes(read_item, plain)


class _Files(FileSystem):
    """Files that report a full disk, and metadata that is replaced in one step."""

    @contextmanager
    def create_stream(self, path: str | os.PathLike[str], mode: str) -> Iterator[io.IOBase]:
        if mode == "wb":  # a link in a folder of somebody else's leads anywhere, a pipe blocks
            with suppress(FileNotFoundError):
                os.unlink(path)
        with OutputFile(path) if mode == "wb" else Path(path).open(mode) as stream:
            yield cast(io.IOBase, stream)

    def rm_file(self, path: str | os.PathLike[str]) -> None:
        """Only the old metadata is removed so, before the new is renamed: `rename` replaces it."""

    def rename(self, path: str | os.PathLike[str], new_path: str | os.PathLike[str]) -> None:
        os.replace(path, new_path)


class Writer(FileSystemWriter):
    """Writes data under new names beside those of an older checkpoint.

    The new metadata then replaces the old one. Only after that are the older files removed.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fs = _Files()
        self.folder = folder
        self.is_new = not folder.exists()
        self.prefix = ""

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        self.fs.mkdir(self.path)  # torch's warns of an older checkpoint
        return plan

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        named = super().prepare_global_plan(plans)
        return [
            replace(plan, storage_data=replace(plan.storage_data, prefix=f"__{self.save_id}_{at}_"))
            for at, plan in enumerate(named)
        ]

    def write_data(self, plan: SavePlan, planner: Any) -> Any:
        self.prefix = plan.storage_data.prefix
        return super().write_data(plan, planner)

    def finish(self, metadata: Metadata, results: list[list[Any]]) -> None:
        super().finish(metadata, results)
        kept = {one.storage_data.relative_path for written in results for one in written}
        for file in self.folder.glob(f"__*{SUFFIX}"):
            if file.name not in kept:
                with suppress(OSError):
                    file.unlink()

    def discard(self) -> None:
        """Removes what this process has written of a checkpoint that fails."""
        mine = [self.folder / f"{NAME}.tmp"]
        if self.prefix:
            mine += self.folder.glob(f"{self.prefix}*{SUFFIX}")
        for file in mine:
            with suppress(OSError):
                file.unlink()
        if self.is_new:
            with suppress(OSError):
                self.folder.rmdir()
