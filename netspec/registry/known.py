"""The layers of netspec's own plugins, so that a spec that uses one says what to install."""

from __future__ import annotations

#: By package; a test compares them with what the packages list.
KNOWN = {
    "netspec-gated": ("geglu", "swiglu"),
    "netspec-torchvision": (),
}


def package_of(name: str) -> str:
    """The package that has a layer of that name, as ``torchvision.permute`` or ``permute``."""
    plugin, _, layer = name.rpartition(".")
    for package, layers in KNOWN.items():
        if layer in layers and plugin in ("", package.removeprefix("netspec-")):
            return package
    return ""
