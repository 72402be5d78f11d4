"""Wheels, built once, and the environments that have them."""

from pathlib import Path

import pytest

from tests.wheels.broken import module_of, packages
from tests.wheels.environment import FIRST_PARTY, ROOT, Environment, built, lend

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker of pytest-xdist has them all, as they share what takes long to install."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("wheels"))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture(scope="session")
def lent(folder: Path) -> Path:
    lend(folder / "lent")
    return folder / "lent"


@pytest.fixture(scope="session")
def wheels(folder: Path) -> list[Path]:
    """Those of netspec and of its plugins."""
    return built([ROOT, *FIRST_PARTY], folder / "first-party")


@pytest.fixture(scope="session")
def fresh(folder: Path, lent: Path, wheels: list[Path]) -> Environment:
    """An environment with netspec alone."""
    (netspec,) = [wheel for wheel in wheels if wheel.name.startswith("netspec-")]
    (folder / "fresh").mkdir()
    return Environment(folder / "fresh", lent, [netspec])


@pytest.fixture(scope="session")
def crowded(folder: Path, lent: Path, wheels: list[Path]) -> Environment:
    """An environment with netspec, all of its plugins, and all the broken ones."""
    projects = folder / "projects"
    for number, (name, package) in enumerate(packages().items()):
        module, project = module_of(name), projects / name
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
    broken = built(projects.iterdir(), folder / "broken")
    (folder / "crowded").mkdir()
    return Environment(folder / "crowded", lent, [*wheels, *broken])
