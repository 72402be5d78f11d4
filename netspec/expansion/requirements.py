"""The packages that a spec requires: looked up in the metadata of what is installed."""

from __future__ import annotations

from netspec.diagnostics import Diagnostics
from netspec.spec import Requirement, Spec


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
    install = f"`pip install '{required.text}'`"
    try:
        installed = version(parsed.name)
    except PackageNotFoundError:
        found.error(
            "missing-package",
            f"the spec requires {parsed.name}, which is not installed",
            required.span,
            help=[install],
        )
        return
    if not parsed.specifier.contains(installed, prereleases=True):
        found.error(
            "missing-package",
            f"the spec requires {required.text}, but {parsed.name} {installed} is installed",
            required.span,
            help=[install],
        )
