"""What was probed is kept on disk, and nothing on a disk can do harm."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.plugin import from_class, hookimpl
from netspec.probing import answer, cache
from netspec.probing.run import Runner

CODE = """
from torch import nn

class Wide(nn.Module):
    def __init__(self, by: int = 2):
        super().__init__()
        self.by = by
    def forward(self, x):
        return x.repeat(1, {times} * self.by)
"""
Plan = Callable[[], str]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a class."""
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / f"wide_{tmp_path.name}.py"
    file.write_text(CODE.format(times=1))
    return file


@pytest.fixture
def plan(source: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Plans the layer as a new process would, and says what it gives."""

    def planned(text: str = "wide", shape: str = "[N, 4]") -> str:
        sys.modules.pop(source.stem, None)
        registry = netspec.Registry()

        class Plugin:
            @hookimpl
            def netspec_layers(self) -> list[Any]:
                return [from_class(f"{source.stem}.Wide")]

        registry.register(Plugin(), name="mine", package="netspec-mine")
        spec = netspec.loads(f"netspec: 1\ninput: {shape}\nlayers: [{text}]\n")
        return str(netspec.plan(spec, registry=registry).output_shape)

    return planned


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The classes that are run, as they are."""
    seen: list[str] = []

    class Counted(Runner):
        def __init__(self, asked: Any) -> None:
            seen.append(asked.layer.target)
            super().__init__(asked)

    monkeypatch.setattr(answer, "Runner", Counted)
    return seen


def test_an_equal_question_is_answered_once(plan: Plan, runs: list[str], cache: Path) -> None:
    assert [plan(), plan()] == ["(N, 8)", "(N, 8)"]
    assert len(runs) == 1
    assert plan("wide: {by: 3}") == "(N, 12)"  # type: ignore[call-arg]
    assert plan("wide", "[N, 5]") == "(N, 10)"  # type: ignore[call-arg]
    assert len(runs) == 3
    assert {file.suffix for file in (cache / "probed").iterdir()} == {".json"}


def test_a_changed_source_is_run_anew(plan: Plan, runs: list[str], source: Path) -> None:
    assert plan() == "(N, 8)"
    source.write_text(CODE.format(times=3) + "# another length\n")
    assert plan() == "(N, 24)"
    assert len(runs) == 2


HELPED = """
from torch import nn
import {helper}

class Wide(nn.Module):
    def forward(self, x):
        return {helper}.wider(x)
"""


@pytest.mark.parametrize("deep", [False, True])
def test_a_changed_helper_is_run_anew(
    deep: bool, plan: Plan, runs: list[str], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = source.with_name(f"helper_{source.stem}.py")
    far = source.with_name(f"far_{source.stem}.py")
    source.write_text(HELPED.format(helper=helper.stem))
    changing = far if deep else helper
    if deep:
        helper.write_text(f"from {far.stem} import wider\n")
    for times in (1, 3):
        changing.write_text(f"def wider(x):\n    return x.repeat(1, {times})\n" + "#" * times)
        for name in (helper.stem, far.stem):
            monkeypatch.delitem(sys.modules, name, raising=False)
        assert plan() == f"(N, {4 * times})"
        assert plan() == f"(N, {4 * times})"
    assert len(runs) == 2


def test_another_version_of_an_installed_package_is_run_anew(
    plan: Plan, runs: list[str], tmp_path: Path
) -> None:
    (tmp_path / "wrapped-1.0.dist-info").mkdir()
    assert [plan(), plan()] == ["(N, 8)", "(N, 8)"]
    (tmp_path / "wrapped-1.0.dist-info").rename(tmp_path / "wrapped-1.1.dist-info")
    assert plan() == "(N, 8)"
    assert len(runs) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: "no JSON",
        lambda values: "[" * 100_000,
        lambda values: json.dumps({**values, "sources": {}}),
        lambda values: json.dumps({**values, "sources": {"antigravity": "0", "": "0"}}),
        lambda values: json.dumps({**values, "probed": None}),
        lambda values: json.dumps({**values, "probed": {**values["probed"], "outputs": [[]]}}),
        lambda values: json.dumps({**values, "probed": {**values["probed"], "outputs": []}}),
        lambda values: json.dumps({**values, "probed": {**values["probed"], "saves": [99]}}),
        lambda values: json.dumps(
            {**values, "probed": {**values["probed"], "macs": [0, [1, [7, 1]]]}}
        ),
        lambda values: json.dumps(
            {**values, "probed": {**values["probed"], "buffers": [["x", [10**30]]]}}
        ),
    ],
)
def test_a_file_with_anything_in_it_is_as_none(
    spoil: Callable[[Any], str], plan: Plan, runs: list[str], cache: Path
) -> None:
    plan()
    (file,) = (cache / "probed").iterdir()
    file.write_text(spoil(json.loads(file.read_text())))
    assert plan() == "(N, 8)"
    assert len(runs) == 2
    plan()
    assert len(runs) == 2  # it is whole again


def test_a_folder_that_cannot_be_written_to_is_no_mistake(
    plan: Plan, runs: list[str], cache: Path
) -> None:
    cache.write_text("a file where the folder would be")
    assert [plan(), plan()] == ["(N, 8)", "(N, 8)"]
    assert len(runs) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="needs a way to fill a disk")
def test_a_full_disk_leaves_no_half_file(plan: Plan, runs: list[str], cache: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # it would be cut off
    try:
        assert [plan(), plan()] == ["(N, 8)", "(N, 8)"]
    finally:
        sys.dont_write_bytecode = writes_none
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(runs) == 2
    assert list((cache / "probed").iterdir()) == []


def test_what_a_killed_process_left_is_removed(plan: Plan, cache: Path) -> None:
    kill = "import os; from pathlib import Path; from netspec.files import written_whole\n"
    kill += "with written_whole(Path('a.json')) as file: os.kill(os.getpid(), 9)"
    (cache / "probed").mkdir(parents=True)
    subprocess.run([sys.executable, "-c", kill], cwd=cache / "probed")
    assert len(list((cache / "probed").iterdir())) == 1
    plan()
    assert [file.suffix for file in (cache / "probed").iterdir()] == [".json"]


def test_it_can_be_switched_off(
    plan: Plan, runs: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NETSPEC_CACHE", "off")
    assert cache.cache_folder() is None
    assert [plan(), plan()] == ["(N, 8)", "(N, 8)"]
    assert len(runs) == 2
    monkeypatch.delenv("NETSPEC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert cache.cache_folder() == tmp_path / "netspec"
