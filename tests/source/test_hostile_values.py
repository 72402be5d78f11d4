"""Values of Python that want to crash, hang or fill the machine: a diagnostic instead."""

import itertools
import os
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import netspec


class Endless(Sequence[Any]):
    """A sequence that never ends."""

    def __len__(self) -> int:
        return 2**60

    def __getitem__(self, index: Any) -> Any:
        return "relu"

    def __iter__(self) -> Iterator[Any]:
        return itertools.repeat("relu")


class EndlessMapping(Mapping[str, Any]):
    """A mapping that never ends."""

    def __len__(self) -> int:
        return 2**60

    def __getitem__(self, key: str) -> Any:
        return "relu"

    def __iter__(self) -> Iterator[str]:
        return (f"layer{number}" for number in itertools.count())


def document(layers: Any) -> dict[str, Any]:
    return {"netspec": 1, "input": ["N", 8], "layers": layers}


def ring() -> list[Any]:
    values: list[Any] = ["relu"]
    values.append(values)
    return values


@pytest.mark.parametrize(
    ("layers", "code"),
    [(Endless(), "too-large"), (EndlessMapping(), "too-large"), (ring(), "too-deep")],
    ids=["sequence", "mapping", "ring"],
)
def test_values_without_an_end(layers: Any, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.source.values.MAX_NODES", 10_000)  # to end sooner
    with pytest.raises(netspec.SpecError) as caught:
        netspec.from_dict(document(layers))
    assert [one.code for one in caught.value.diagnostics] == [code]


@pytest.mark.parametrize("value", [Endless(), ring()], ids=["sequence", "ring"])
def test_params_without_an_end(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.source.values.MAX_NODES", 10_000)
    spec = netspec.loads("netspec: 1\ninput: [N, 8]\nparams: {n: 1}\nlayers: [linear: $n]\n")
    with pytest.raises(netspec.SpecError, match="more than"):
        netspec.plan(spec, params={"n": value})


def test_places_are_not_written_out_for_each_value() -> None:
    """300 kB of JSON, a long key over 100,000 items, took 4 GB."""
    tracemalloc.start()
    with pytest.raises(netspec.SpecError):
        netspec.from_dict({**document([]), "k" * 40_000: [1] * 100_000})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100e6


def test_a_pipe_that_nobody_writes_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (found,) = netspec.check(tmp_path / "pipe")
    assert found.message == "cannot read the file: it is a pipe that nobody writes to"


def test_a_pipe_with_a_writer() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"netspec: 1\ninput: [N, 8]\nlayers: [relu]\n")
    os.close(writing)
    assert netspec.load(f"/dev/fd/{reading}").layers.items
    os.close(reading)


def test_lists_in_lists_have_a_limit() -> None:
    chain = "".join(f'  p{n}: "$([p{n - 1}])"\n' for n in range(1, 450))
    text = f"netspec: 1\ninput: [N, 8]\nparams:\n  p0: [1]\n{chain}layers: [relu]\n"
    (found,) = netspec.check(text)
    assert found.message == "lists are nested more than 32 deep"
    doubled = "".join(f"  p{n}: [$p{n - 1}, $p{n - 1}]\n" for n in range(1, 60))
    (found,) = netspec.check(text.replace(chain, doubled))
    assert found.message == "a list has more than 250,000 values"


NESTS: dict[str, Callable[[Any], Any]] = {
    "lists": lambda inner: [inner],
    "names": lambda inner: {"a": {"layers": inner}},
    "names in a list": lambda inner: [{"name": "a", "layers": inner}],
    "names in lists of lists": lambda inner: [[{"name": "a", "layers": inner}]],
    "residual": lambda inner: [{"residual": inner}],
    "shortcut": lambda inner: [{"residual": {"body": ["relu"], "shortcut": inner}}],
    "concat": lambda inner: [{"concat": [inner, []]}],
    "dim": lambda inner: [{"concat": {"dim": 2, "branches": [inner, []]}}],
    "each": lambda inner: [{"each": {"in": [1], "layers": inner}}],
}


LEAVES = {"list": ["relu"], "names": [{"name": "a", "linear": {"out_features": [8]}}]}


def accepted(layers: Any) -> netspec.Spec | None:
    """The spec, or None where it is nested too deep."""
    try:
        return netspec.from_dict(document(layers))
    except netspec.SpecError as error:
        if {one.code for one in error.diagnostics} == {"too-deep"}:
            return None
        raise


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("name", NESTS)
def test_what_is_read_can_be_written_and_read(name: str, leaf: str) -> None:
    """Lists nested 60 deep had a text of more than 100 levels."""
    inner = NESTS[name](LEAVES[leaf])
    specs = []
    while (spec := accepted(inner)) is not None:
        specs.append(spec)
        inner = NESTS[name](inner)
    assert len(specs) > (60 if name == "lists" else 20)
    assert netspec.loads(specs[-1].to_yaml()) == specs[-1]
