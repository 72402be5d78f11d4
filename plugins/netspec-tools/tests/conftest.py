"""Lets the tests run from a checkout too, where the package is not installed."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import netspec

if find_spec("netspec_tools") is None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@pytest.fixture
def registry() -> netspec.Registry:
    """netspec's own layers, and this plugin."""
    from netspec_tools import plugin

    made = netspec.Registry()
    made.register(plugin, name="tools", package="netspec-tools", version="0.1.0")
    return made
