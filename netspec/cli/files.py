"""Files that commands write: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def output_problem(output: str, force: bool) -> str | None:
    """What speaks against writing there, found before anything is made."""
    path = Path(output)
    if not path.parent.is_dir():
        return f"{output}: there is no folder {path.parent}"
    if path.is_dir():
        return f"{output} is a folder"
    if path.exists() and not force:
        return f"{output} is there already; --force replaces it"
    return None


def write_beside(path: Path, write: Callable[[str], object]) -> None:
    """Calls ``write`` with the name of a file beside the target, and renames it.

    So a full disk, or a mistake, leaves no half file, and what was there stays.

    Raises:
        Exception: ``write`` raised it.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        write(name)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
