"""The names of a new plugin, which follow from its package's, and what speaks against them."""

from __future__ import annotations

import keyword
import re
import sys
from typing import NamedTuple

from netspec.registry import Registry
from netspec.registry.installed import Installed, installed_plugins
from netspec.registry.known import KNOWN

PREFIX = "netspec-"
_PACKAGE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 60


class BadName(Exception):
    """No package can be called so; the text says why, and what to write instead."""


class Names(NamedTuple):
    """``netspec-my-layers`` has the module ``netspec_my_layers`` and the plugin ``my_layers``."""

    package: str
    module: str
    plugin: str


def names_of(package: str) -> Names:
    """The names that follow from a package's name.

    Raises:
        BadName: it is not one, or one of its names is taken.
    """
    if len(package) > _LONGEST:
        raise BadName(f"a package's name has at most {_LONGEST} letters, this one {len(package)}")
    if not _PACKAGE.fullmatch(package):
        raise BadName(
            f"{package!r} is not the name of a package: write lower-case letters and digits with "
            f"single hyphens between, as {_mended(package)!r}"
        )
    module = package.replace("-", "_")
    plugin = module.removeprefix("netspec_")
    _require_importable(package, module)
    _require_free(package, plugin)
    return Names(package, module, plugin)


def _mended(package: str) -> str:
    """A name that is near to what was meant."""
    words = re.findall(r"[a-z0-9]+", package.lower())
    if words and words[0] == "netspec":
        words = words[1:]
    return PREFIX + ("-".join(words) or "mylayers")


def _require_importable(package: str, module: str) -> None:
    """
    Raises:
        BadName: the module's name is a word of Python, or another module's.
    """
    instead = f"write {PREFIX + package!r}"
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        raise BadName(f"{module!r} is a word of Python, and no module can be called so: {instead}")
    if module in sys.stdlib_module_names:
        raise BadName(f"the module {module!r} would hide the one of Python: {instead}")
    if module in ("netspec", "torch"):
        raise BadName(
            f"the module {module!r} would hide the one of {module}: write for example "
            f"'{PREFIX}mylayers'"
        )


def _require_free(package: str, plugin: str) -> None:
    """
    Raises:
        BadName: netspec or an installed package has a plugin of that name.
    """
    if package in KNOWN:
        raise BadName(f"{package} is a package of netspec's own: choose another name")
    if any(own.name == plugin for own in Registry().plugins()):
        raise BadName(f"netspec's own plugin is called {plugin!r}: choose another name")
    for one in _installed():
        if one.name == plugin and one.package != package:
            raise BadName(
                f"the plugin of {one.package}, which is installed, is called {plugin!r} as well: "
                "choose another name"
            )


def _installed() -> tuple[Installed, ...]:
    """The installed plugins, or none where they cannot be listed, which is another matter."""
    try:
        return installed_plugins().plugins
    except Exception:
        return ()
