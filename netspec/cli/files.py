"""Where commands write files."""

from __future__ import annotations

from pathlib import Path


def output_problem(output: str, force: bool) -> str | None:
    """What speaks against writing there, found before anything is made."""
    path = Path(output)
    try:
        if not path.parent.is_dir():
            return f"{output}: there is no folder {path.parent}"
        if path.is_dir():
            return f"{output} is a folder"
        if path.exists() and not path.is_file():
            return f"{output} is a device, a pipe or a socket, and no file to replace"
        if path.exists() and not force:
            return f"{output} is there already; --force replaces it"
    except OSError as problem:  # a name that is too long, or a folder that may not be read
        return f"cannot write {output}: {problem.strerror}"
    return None
