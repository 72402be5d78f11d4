"""Writes a package from the templates."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from netspec.files import cannot_write, remove_folder, temporary_folder
from netspec.scaffold.names import Names
from netspec.version import __version__

#: Templates end so, because they are no Python before their names are filled in.
SUFFIX = ".template"


def write_package(names: Names, directory: Path) -> list[Path]:
    """Writes a package's folder into a directory; gives the files, relative to the folder.

    They are written beside it first: what goes wrong leaves nothing behind.

    Raises:
        FileExistsError: the folder is there already.
        CannotWrite: it cannot be written.
    """
    target = directory / names.package
    if target.exists() or target.is_symlink():
        raise FileExistsError(0, "it is there already")
    texts = dict(sorted(_filled(files("netspec.scaffold") / "template", _values(names))))
    beside = temporary_folder(directory)
    try:
        # A folder in it, because it is for its owner alone.
        folder = beside / names.package
        for path, text in texts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        folder.rename(target)
    except OSError as error:
        raise cannot_write(error) from error
    finally:
        remove_folder(beside)
    return list(texts)


def _values(names: Names) -> Mapping[str, str]:
    """What stands for ``{{word}}`` in a template and in its path."""
    major, minor, *_ = __version__.split(".")
    return {
        "{{package}}": names.package,
        "{{module}}": names.module,
        "{{plugin}}": names.plugin,
        "{{netspec}}": f">={major}.{minor},<{int(major) + 1}",
    }


def _filled(
    folder: Traversable, values: Mapping[str, str], at: Path = Path()
) -> list[tuple[Path, str]]:
    """The files of a folder of templates, with their texts."""
    found = []
    for item in folder.iterdir():
        if item.is_dir():
            inside = values["{{module}}"] if item.name == "module" else item.name
            found += _filled(item, values, at / inside)
        elif item.name.endswith(SUFFIX):
            text = item.read_text(encoding="utf-8")
            for word, value in values.items():
                text = text.replace(word, value)
            found.append((at / item.name.removesuffix(SUFFIX), text))
    return found
