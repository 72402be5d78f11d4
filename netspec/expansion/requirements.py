"""The packages that a spec requires: looked up in the metadata of what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.diagnostics import Diagnostics
from netspec.spec import Requirement, Spec

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


def report_requirements(spec: Spec, found: Diagnostics) -> None:
    """An error for each package that is not there in a version that the spec takes.

    Nothing is imported for it: what runs is chosen by those who install packages, not by specs.
    """
    for requirement in spec.requires:
        _report(requirement, found)


def _report(required: Requirement, found: Diagnostics) -> None:
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    try:
        parsed = Parsed(required.text)
    except InvalidRequirement:
        parsed = None
    if parsed is None or parsed.url or parsed.marker or parsed.extras:
        found.error(
            "bad-requires",
            f"{required.text!r} is not a package with versions",
            required.span,
            help=["write for example `netspec-torchvision>=0.1`"],
        )
        return
    try:
        installed = str(version(parsed.name))
    except PackageNotFoundError:
        problem = f"{parsed.name}, which is not installed"
    else:
        if _has(parsed.specifier, installed):
            return
        problem = f"{required.text}, but {parsed.name} {installed} is installed"
    found.error(
        "missing-package",
        f"the spec requires {problem}",
        required.span,
        help=[f"`pip install '{required.text}'`"],
    )


def _has(specifier: SpecifierSet, installed: str) -> bool:
    """Whether a version is among those; what is no version, as of a broken package, is not."""
    from packaging.version import InvalidVersion

    try:
        return not specifier or specifier.contains(installed, prereleases=True)
    except InvalidVersion:
        return False
