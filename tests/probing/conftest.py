"""A registry with one layer for each class of ``modules``, without rules."""

from pathlib import Path

import pytest

import netspec
from netspec.plugin import LayerType, from_class, hookimpl

MODULES = "tests.probing.modules"
NAMES = (
    "MixerBlock", "ConvBlock", "PatchTokens", "Unshuffle", "WindowPad", "Merge", "Attention",
    "Recurrent", "Positions", "Nonzero", "ValueBranch", "Squeezed", "FeatureNorm", "TwoSteps",
    "Batches", "LongBranch", "Raises", "TakesModule", "NeedsModule", "Unhinted", "Anything",
    "Missing",
)  # fmt: skip


class Plugin:
    @hookimpl
    def netspec_layers(self) -> list[LayerType]:
        return [from_class(f"{MODULES}.{name}") for name in NAMES]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a folder of its own for what is probed."""
    monkeypatch.setenv("NETSPEC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def registry() -> netspec.Registry:
    made = netspec.Registry()
    made.register(Plugin(), name="mine", package="netspec-mine", version="1.0")
    return made
