"""Placement documents: what is read, what is laid out, and where each mistake is."""

from __future__ import annotations

import pytest

import netspec
from netspec.diagnostics import Diagnostics, apply_fixes
from netspec.patterns import matches
from netspec.placement.document import read_placement
from netspec.placement.lay_out import lay_out
from netspec.placement.layout import Layout, Mesh, Shard
from netspec.registry import Registry

SPEC = """\
netspec: 1
input: [N, 8]
tie: {head.weight: embed.weight}
layers:
  embed: {linear: {out_features: 8, bias: false}}
  blocks:
    - layers: {up: {linear: 16}, act: relu, down: {linear: 8}}
    - layers: {up: {linear: 16}, act: relu, down: {linear: 8}}
  head: {linear: {out_features: 8, bias: false}}
"""


def laid_out(text: str) -> Layout:
    found = Diagnostics()
    plan = netspec.plan(netspec.loads(SPEC, "model.yaml"))
    layout = lay_out(plan, read_placement("placement: 1\n" + text), Registry(), found)
    if layout is None:
        raise netspec.SpecError(found.all())
    return layout


def refused(text: str) -> str:
    with pytest.raises(netspec.SpecError) as caught:
        laid_out(text)
    (found,) = caught.value.diagnostics
    expected = ("bad-placement", "unknown-strategy", "unknown-argument", "bad-value")
    assert found.code in expected
    return str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("blocks.*", "blocks.0", True),
        ("blocks.*", "blocks.0.up", False),
        ("blocks.*.up", "blocks.1.up", True),
        ("blocks.[0-5]", "blocks.4", True),
        ("blocks.[0-5]", "blocks.10", False),
        ("b*", "blocks", True),
        ("*", "blocks.0", False),
        ("**", "blocks.0.up", True),
        ("**.up", "blocks.0.up", True),
        ("**.up", "up", True),
        ("blocks.**", "blocks", True),
        ("blocks.**.up", "blocks.up", True),
        ("**.**.**.x", "blocks.0.up", False),
        ("block?.0", "blocks.0", True),
        ("", "blocks", False),
    ],
)
def test_patterns_are_over_names(pattern: str, path: str, fits: bool) -> None:
    assert matches(pattern, path) == fits


def test_shards_and_recomputed_layers_are_in_the_layout() -> None:
    layout = laid_out("mesh: {dp: 2}\nfsdp: [blocks.*]\ncheckpoint: [blocks.0]\n")
    assert layout.mesh == Mesh({"dp": 2})
    assert layout.placed("blocks.0.up").shards == {
        "weight": (Shard("dp", 0),),
        "bias": (Shard("dp", 0),),
    }
    assert layout.placed("blocks.0.up").is_recomputed
    assert not layout.placed("blocks.1.up").is_recomputed
    assert [action.word for action in layout.actions] == ["checkpoint", "fsdp"]


def test_the_place_of_a_rank_is_that_of_torch() -> None:
    mesh = Mesh({"pp": 2, "dp": 3, "tp": 4})
    assert mesh.ranks == 24
    places = [(mesh.place(r, "pp"), mesh.place(r, "dp"), mesh.place(r, "tp")) for r in range(24)]
    assert places == sorted(places)
    assert len(set(places)) == 24


MISTAKES = [
    ("fdsp: [blocks.*]", "2:1: error: fdsp is no strategy of placement", "did you mean fsdp?"),
    ("mesh: {dp: 2}\nfsdp: [block.*]", "3:7: error: the pattern 'block.*' matches no layer", ""),
    ("fsdp: [blocks.*]", "2:7: error: fsdp is over the axis 'dp'", "`mesh: {dp: 2}`"),
    ("mesh: {dp: 2}\nfsdp: {layer: [blocks.*]}", "3:8: error: fsdp has no argument 'layer'", ""),
    ("mesh: {dp: 2}\nfsdp: [head]", "is tied to embed.weight, but they would be gathered", ""),
    ("mesh: {dp: 2}\nfsdp:\ndata_parallel:", "the axis 'dp' is that of fsdp", "an axis of its own"),
    ("checkpoint: [blocks, blocks.0]", "again for `blocks.0`, which is inside of it", "one of"),
    ("mesh: 4", "2:7: error: `mesh` takes a mapping of axes", "mesh: {dp: 4}"),
    ("mesh: {dp: 0}", "2:12: error: the axis dp takes a whole number from 1", ""),
    ("mesh: {dp: 1000, tp: 100000}", "the mesh has 100,000,000 ranks", ""),
]


@pytest.mark.parametrize(("text", "words", "help"), MISTAKES)
def test_mistakes_have_their_place_and_a_way_out(text: str, words: str, help: str) -> None:
    said = refused(text)
    assert words in said
    assert help in said


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("mesh: {dp: 2}\nfdsp: [blocks.*]", "mesh: {dp: 2}\nfsdp: [blocks.*]"),
        ("mesh: {dp: 2}\nfsdp: [block.*]", "mesh: {dp: 2}\nfsdp: [blocks.*]"),
        ("mesh: {dp: 2}\nfsdp: [block.0, blocks.1]", "mesh: {dp: 2}\nfsdp: [blocks.0, blocks.1]"),
        ("mesh: {dp: 2}\nddp:", "mesh: {dp: 2}\ndata_parallel:"),
        ("mesh: 2\nfsdp: [blocks.*]", "mesh: {dp: 2}\nfsdp: [blocks.*]"),
    ],
)
def test_help_that_is_followed_leads_to_what_was_meant(wrong: str, meant: str) -> None:
    with pytest.raises(netspec.SpecError) as caught:
        laid_out(wrong)
    found = caught.value.diagnostics
    text = apply_fixes(f"placement: 1\n{wrong}\n", [one.fixes[0] for one in found])
    assert text == f"placement: 1\n{meant}\n"
    assert laid_out(meant).mesh.ranks == 2


def test_mistakes_show_the_spec_too() -> None:
    said = refused("mesh: {dp: 2}\nfsdp: [head]")
    assert "`embed` is written here (model.yaml:5:11)" in said
    assert "`head` is written here (model.yaml:9:10)" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fsdp: [a]\n", "the placement has no `placement`"),
        ("placement: 2\n", "reads version 1 of placements, not the number 2"),
        ("[a, b]\n", "a placement is a mapping of strategies, not a list"),
        ("placement: 1\nlayers: [relu]\n", "'layers' is no strategy"),
    ],
)
def test_what_is_no_placement(text: str, words: str) -> None:
    with pytest.raises(netspec.SpecError) as caught:
        read_placement(text)
    assert words in str(caught.value)
