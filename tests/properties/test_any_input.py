"""Whatever is given: diagnostics inside the text or none, and no other exception."""

from enum import IntEnum, StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netspec
from netspec.api import check_text
from netspec.diagnostics import Diagnostic
from netspec.registry import Registry
from netspec.spec.parser import MAX_WORD
from netspec.spec.words import PARTS
from netspec.testing import trees
from netspec.testing.survival import same_specs

REGISTRY = Registry()
LAYERS = REGISTRY.layers()
SPECS = [path.read_text() for path in sorted((Path(__file__).parents[2] / "specs").rglob("*.yaml"))]
HEAD = "netspec: 1\ninput: [N, 3, 8, 8]\nlayers:\n"
FRAGMENTS = (
    "netspec: 1\n", "input: [N, 8]\n", "input: ", "layers:\n", "layers: ", "  - ", "- ", "relu",
    "linear: ", "conv2d: ", "{", "}", "[", "]", ", ", ": ", "\n", "  ", "\t", "&a ", "*a", "!!int ",
    "!x ", "'", '"', "|\n", ">-\n", "#", "? ", "---\n", "...\n", "%YAML 1.1\n", "name: ",
    "repeat: ",
    "device: ", "residual: ", "concat: ", "branches: ", "body: ", "dim: ", "10", "-1", "0", "1e400",
    ".nan", ".inf", "9" * 25, "9" * 500, "null", "true", "N", "H: {min: 3}", "shape: ", "<<: *a\n",
    "\r\n", "\r", "\x85", "\u2028", "\ufeff", "\x00", "\ud800", "😀", "when: ", "kernel_size: ",
    "from: ", "use: ", "each: ", "in: ", "as: ", "let: ", "init: ", "parameter: ", "scale: ",
    "add: ", "split: ", "matmul: ", "params: ", "variants: ", "blocks: ", "inputs: ", "outputs: ",
    "tie: ", "auxiliary: ", "register: ", "$", "$w",
    "$(", "$(1 // 0)", "$(shape[0])", "a.b", "a*", "zeros",
)  # fmt: skip


def sound(found: list[Diagnostic], text: str) -> None:
    """The diagnostics can be printed and lie inside the text."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for diagnostic in found:
        assert isinstance(diagnostic, Diagnostic)
        assert str(diagnostic)
        assert diagnostic.message
        assert diagnostic.code != "rule-failed", str(diagnostic)
        place = diagnostic.location
        assert place.line is not None
        assert place.column is not None
        assert 1 <= place.line <= len(lines), str(diagnostic)
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1, str(diagnostic)
        assert (place.end_line, place.end_column) >= (place.line, place.column)


def sound_error(refused: netspec.SpecError) -> None:
    assert refused.diagnostics
    assert str(refused)


def all_ways(text: str) -> None:
    sound(check_text(text, registry=REGISTRY), text)
    try:
        spec = netspec.loads(text)
    except netspec.SpecError as refused:
        sound_error(refused)
    else:
        assert same_specs(netspec.loads(spec.to_yaml()), spec)


@given(st.text())
def test_any_text(text: str) -> None:
    all_ways(text)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=20).map("".join))
def test_pieces_of_yaml(text: str) -> None:
    all_ways(text)
    all_ways(HEAD + text)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A real spec with letters or lines lost, doubled or strange."""
    text = draw(st.sampled_from(SPECS))
    for _ in range(draw(st.integers(1, 4))):
        lines = text.splitlines(keepends=True)
        if draw(st.booleans()) and lines:
            units: list[str] = lines
        else:
            units = list(text)
        start = draw(st.integers(0, max(len(units) - 1, 0)))
        end = start + draw(st.integers(0, 3))
        match draw(st.sampled_from(["delete", "double", "insert", "indent"])):
            case "delete":
                units[start:end] = []
            case "double":
                units[start:start] = units[start:end]
            case "insert":
                units[start:start] = [draw(st.sampled_from(FRAGMENTS))]
            case "indent":
                units[start:start] = [" " * (end - start)]
        text = "".join(units)
    return text


@given(damaged())
def test_damaged_specs(text: str) -> None:
    all_ways(text)


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=8),
    st.sampled_from([10**21, 2**63, -(2**63), 10**400, -(10**500), "\ud800", "9" * 5000]),
    st.binary(max_size=3),
    st.sampled_from([object(), 1j, {1}, range(3), b"x", bytearray(b"y")]),
)
words = st.sampled_from(
    [*sorted(PARTS), "netspec", "input", "name", "repeat", "device", "branches",
     "body", "shortcut", "dim", "shape", "dtype", "N", "relu", "linear", "conv2d", "when", "0",
     "from", "in", "as", "let", "init", "params",
     "variants", "blocks", "inputs", "outputs", "auxiliary", "register", "tie",
     "$w", "$(w * 2)", "$(shape[0])", "a", "a.b", "*", "input", "weight", "zeros"]
)  # fmt: skip
keys = words | plain.filter(lambda key: not isinstance(key, (set, bytearray)))
any_tree = st.recursive(
    plain | words | words,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(words, inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=12,
)


def readable(tree: object) -> None:
    try:
        spec = netspec.from_dict(tree)  # type: ignore[arg-type]
    except netspec.SpecError as refused:
        sound_error(refused)
        return
    for found in netspec.check(spec, registry=REGISTRY):
        assert str(found)
        assert found.code != "rule-failed", str(found)
    assert same_specs(netspec.loads(spec.to_yaml()), spec)


@given(
    any_tree
    | st.fixed_dictionaries(
        {"netspec": st.just(1), "input": any_tree | st.just(["N", 8]), "layers": any_tree}
    )
)
def test_any_tree(tree: object) -> None:
    readable(tree)


@pytest.mark.parametrize("number", [10**400, 1 - 10**400, 10**5000], ids=["400", "-400", "5000"])
def test_numbers_that_python_does_not_show(number: int) -> None:
    readable({"netspec": 1, "input": ["N", 8], "layers": [{"linear": number}]})
    readable({"netspec": number, number: 1})
    readable({"netspec": 1, "input": [number], "layers": {number: "relu"}})


@pytest.mark.parametrize("letter", ["a", "\U0001f600", "\U000f0000", "\x1b"])
def test_names_of_the_greatest_length(letter: str) -> None:
    """Written out with escapes, a name is still short enough for a key of YAML."""
    for name in (letter * MAX_WORD, letter * (MAX_WORD + 1)):
        for layer in ({name: "relu"}, [{name: {name: 1}}], [{"name": name, "relu": None}]):
            readable({"netspec": 1, "input": ["N", 8], "layers": layer})


class Word(StrEnum):
    RELU = "relu"


class Width(IntEnum):
    SMALL = 64


def test_subclasses_stand_for_their_plain_values() -> None:
    tree = {"netspec": 1, "input": ["N", 8], "layers": [Word.RELU, {"linear": Width.SMALL}]}
    plain = {"netspec": 1, "input": ["N", 8], "layers": ["relu", {"linear": 64}]}
    assert netspec.from_dict(tree) == netspec.from_dict(plain)


@pytest.mark.parametrize(
    "written",
    ["10" + "0" * 20, "9223372036854775808", "9223372036854775807", "-1", ".inf", "-.inf", ".nan",
     "1e400", "-1e400", "0x" + "f" * 398, "9" * 400, "-" + "9" * 400, "9" * 401, "9" * 5000],
)  # fmt: skip
@pytest.mark.parametrize("layer", LAYERS)
def test_numbers_without_measure(layer: str, written: str) -> None:
    for argument in ("", *LAYERS[layer].layer.arguments):
        value = f"{{{argument}: {written}}}" if argument else written
        all_ways(f"{HEAD}  - {layer}: {value}\n")


@pytest.mark.parametrize("repeat", [10**9, 2**63 - 1, 2**63, 10**21, 200_000, 0, -1])
@pytest.mark.parametrize(
    "inner", ["relu: ", "layers: [{repeat: 1000000, relu: }]", "residual: [relu]"]
)
def test_repeats_without_measure(repeat: int, inner: str) -> None:
    all_ways(f"{HEAD}  - {{repeat: {repeat}, {inner}}}\n")


@given(trees(REGISTRY))
def test_random_specs_as_text(tree: dict[str, object]) -> None:
    all_ways(netspec.from_dict(tree).to_yaml())
