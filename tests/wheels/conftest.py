"""Wheels, built once, and the environments that have them."""

import os
from pathlib import Path

import pytest

from tests.wheels.broken import module_of, packages
from tests.wheels.environment import (
    FIRST_PARTY,
    ROOT,
    Environment,
    build,
    lend,
    once,
    wheels_in,
)

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "broken-{name}"
version = "{version}"
dependencies = ["{needs}"]

[project.entry-points.netspec]
{entry} = "{target}"

[tool.hatch.build.targets.wheel]
include = ["{module}.py"]
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of pytest-xdist, as what is in it takes long to make."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    (shared / "wheels").mkdir(exist_ok=True)
    return shared / "wheels"


@pytest.fixture(scope="session")
def lent(folder: Path) -> Path:
    lent = folder / "lent" / "site-packages"
    lent.parent.mkdir(exist_ok=True)
    return once(lent, lambda: lend(lent))


@pytest.fixture(scope="session")
def wheels(folder: Path) -> list[Path]:
    """Those of netspec and of its plugins."""
    made = folder / "first-party"
    return wheels_in(once(made, lambda: build([ROOT, *FIRST_PARTY], made)))


@pytest.fixture(scope="session")
def broken(folder: Path) -> list[Path]:
    """The wheels of the broken plugins."""
    made = folder / "broken"
    return wheels_in(once(made, lambda: build(projects(folder / "projects"), made)))


@pytest.fixture(scope="session")
def fresh(folder: Path, lent: Path, wheels: list[Path]) -> Environment:
    """An environment with netspec alone."""
    made = folder / "fresh"
    own = [wheel for wheel in wheels if wheel.name.startswith("netspec-")]
    return Environment(once(made, lambda: Environment.make(made, lent, own)))


@pytest.fixture(scope="session")
def crowded(folder: Path, lent: Path, wheels: list[Path], broken: list[Path]) -> Environment:
    """An environment with netspec, all of its plugins, and all the broken ones."""
    made = folder / "crowded"
    return Environment(once(made, lambda: Environment.make(made, lent, [*wheels, *broken])))


def projects(folder: Path) -> list[Path]:
    """The sources of the broken plugins, in a new folder."""
    for number, (name, package) in enumerate(packages().items()):
        module, project = module_of(name), folder / name
        project.mkdir(parents=True)
        (project / f"{module}.py").write_text(f"from netspec.plugin import *\n{package.code}")
        target, entry = package.entry
        text = PYPROJECT.format(
            name=name,
            version=f"0.{number}",
            needs=package.needs,
            entry=entry or f"broken-{name}",
            target=target or module,
            module=module,
        )
        (project / "pyproject.toml").write_text(text)
    return sorted(folder.iterdir())
