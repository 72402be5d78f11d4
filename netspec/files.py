"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

_PREFIX = ".netspec-"
_unfinished: set[Path] = set()

#: What can be done where a disk takes no more.
_OF_DISKS = {
    errno.ENOSPC: "free some space, or write to another disk",
    errno.EDQUOT: "free some of your quota, or write to another disk",
    errno.EFBIG: "the file system or `ulimit -f` does not allow a file of this size",
    errno.EIO: "the disk may be damaged",
}
_REMEDIES = _OF_DISKS | {
    errno.EROFS: "write to another folder",
    errno.EACCES: "write to a folder in which you may create files",
    errno.EPERM: "write to a folder in which you may create files",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class CannotWrite(OSError):
    """The file system does not let a file be written; the text says what to do."""

    def __str__(self) -> str:
        return str(self.strerror)


def cannot_write(error: OSError) -> CannotWrite:
    """The same error with a remedy."""
    reason = error.strerror or " ".join(str(error).split())
    remedy = _REMEDIES.get(error.errno or 0)
    return CannotWrite(error.errno or 0, f"{reason}: {remedy}" if remedy else reason)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Provides the path of a file that replaces ``path`` when the block ends without an error.

    The file is in a folder of its own beside ``path``. The folder is removed in any case, and so
    are those that earlier processes left behind because they were killed. A link is followed.

    Raises:
        CannotWrite: the folder cannot be made, the disk is full, or ``path`` cannot be replaced.
    """
    path = Path(os.path.realpath(path))
    folder = temporary_folder(path.parent)
    try:
        try:
            yield folder / path.name
        except OSError as error:
            if error.errno in _OF_DISKS and not isinstance(error, CannotWrite):
                raise cannot_write(error) from error
            raise
        try:
            os.replace(folder / path.name, path)
        except OSError as error:
            raise cannot_write(error) from error
    finally:
        remove_folder(folder)


def temporary_folder(parent: Path) -> Path:
    """Makes a folder for unfinished files, and removes those that killed processes left.

    Raises:
        CannotWrite: nothing can be written there.
    """
    _remove_leftovers(parent)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{_host()}-{os.getpid()}-", dir=parent))
    except OSError as error:
        raise cannot_write(error) from error
    _unfinished.add(folder)
    return folder


def remove_folder(folder: Path) -> None:
    """Removes a folder of unfinished files with what is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    _unfinished.discard(folder)


def remove_unfinished() -> None:
    """Removes the folders of all unfinished files of this process, which is about to end."""
    for folder in list(_unfinished):
        remove_folder(folder)


def _remove_leftovers(parent: Path) -> None:
    """Removes folders of processes of this machine that are no more."""
    if os.name != "posix":  # elsewhere no signal asks whether a process is there
        return
    own = f"{_PREFIX}{_host()}-"
    try:
        names = [name for name in os.listdir(parent) if name.startswith(own)]
    except OSError:
        return
    for name in names:
        process = name.removeprefix(own).partition("-")[0]
        if process.isdecimal() and not _is_running(int(process)):
            shutil.rmtree(parent / name, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _host() -> str:
    """The machine: a folder may be shared with others, whose processes are not known here."""
    import platform

    return f"{zlib.crc32(platform.node().encode()):08x}"


class OutputFile(FileIO):
    """A file to write, for torch's writers in C++, which abort the process at an exception.

    `write` does not raise. The first error is kept, what comes after it is dropped, and `close`
    raises it.
    """

    _error: BaseException | None = None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(os.fspath(path), "w")

    def write(self, data: Buffer, /) -> int:
        view = memoryview(data).cast("B")
        rest = view
        while rest and self._error is None:
            try:
                rest = rest[super().write(rest) :]
            except BaseException as error:  # Ctrl-C in it would abort as well
                self._error = error
        return len(view)

    def close(self) -> None:
        """Closes the file.

        Raises:
            OSError: it could not be written.
        """
        super().close()
        error, self._error = self._error, None
        if error is not None:
            raise error
