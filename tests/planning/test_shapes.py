"""Symbolic sizes through whole models: exact, decided, and told with a counterexample."""

import pytest

import netspec
from netspec.sizes import substitute


def plan(layers: str, input: str = "[N, 1, H, W]") -> netspec.Plan:
    return netspec.plan(netspec.loads(f"netspec: 1\ninput: {input}\nlayers:\n{layers}"))


def shape(layers: str, input: str = "[N, 1, H, W]") -> str:
    return str(plan(layers, input).outputs[0])


def errors(layers: str, input: str = "[N, 1, H, W]") -> list[netspec.Diagnostic]:
    return netspec.check(f"netspec: 1\ninput: {input}\nlayers:\n{layers}")


STRIDED = "  - conv2d: {out_channels: 4, kernel_size: 3, stride: 2, padding: 1}\n"


def test_nested_floors_merge() -> None:
    assert shape(STRIDED) == "[N, 4, (H + 1)//2, (W + 1)//2]"
    assert shape(STRIDED * 5) == "[N, 4, (H + 31)//32, (W + 31)//32]"


def test_two_strides_of_2_equal_one_of_4() -> None:
    pool = "  - residual: {body: [max_pool2d: 2, max_pool2d: 2], shortcut: [avg_pool2d: 4]}\n"
    assert shape(pool) == "[N, 1, H//4, W//4]"


def test_a_clash_is_shown_with_a_counterexample() -> None:
    text = """\
  - residual:
      body: [conv2d: {out_channels: 1, kernel_size: 3, stride: 2, padding: 1}]
      shortcut: [max_pool2d: 2]
"""
    (found,) = errors(text, "[N, 1, H, 32]")
    assert "H = 33 gives 17 and 16" in found.message
    assert (found.location.line, found.location.column) == (4, 5)


def test_the_clash_goes_where_a_multiple_is_stated() -> None:
    text = """\
  - residual:
      body: [conv2d: {out_channels: 1, kernel_size: 3, stride: 2, padding: 1}]
      shortcut: [max_pool2d: 2]
"""
    stated = "{shape: [N, 1, H, 32], H: {multiple_of: 2}}"
    assert shape(text, stated) == "[N, 1, H/2, 16]"


def test_a_size_that_must_be_known_names_the_symbols_and_two_ways_out() -> None:
    (found,) = errors(STRIDED + "  - flatten\n  - linear: 10\n")
    assert found.message == (
        "in_features needs a known number, but the input's last size depends on H and W"
    )
    assert "[N, 4*((H + 1)//2)*((W + 1)//2)]" in found.notes[0].message
    assert len(found.help) == 2
    assert "`input`" in found.help[0]
    assert "adaptive_avg_pool2d" in found.help[1]


def test_both_ways_out_work() -> None:
    tail = "  - flatten\n  - linear: 10\n"
    assert shape(STRIDED + tail, "[N, 1, 28, 28]") == "[N, 10]"
    assert shape(STRIDED + "  - adaptive_avg_pool2d: 1\n" + tail) == "[N, 10]"


def test_the_batch_may_not_become_a_feature() -> None:
    (found,) = errors("  - flatten: 0\n  - linear: 10\n", "[N, 8]")
    assert "depends on N" in found.message
    assert any("flatten" in text for text in found.help)


def test_the_smallest_sizes_are_conditions_of_the_plan() -> None:
    valid = "  - conv2d: {out_channels: 1, kernel_size: 3, stride: 2}\n" * 5
    made = plan(valid)
    assert [str(condition) for condition in made.conditions] == ["H >= 63", "W >= 63"]
    assert netspec.check(f"netspec: 1\ninput: [1, 1, 63, 63]\nlayers:\n{valid}") == []
    (found,) = errors(valid, "[1, 1, 62, 63]")
    assert "kernel" in found.message


def test_a_stated_minimum_is_a_promise_that_is_held_against_the_layers() -> None:
    valid = "  - conv2d: {out_channels: 1, kernel_size: 3, stride: 2}\n" * 5
    made = plan(valid, "{shape: [N, 1, H, 63], H: {min: 63}}")
    assert made.conditions == ()
    (found,) = errors(valid, "{shape: [N, 1, H, 63], H: {min: 32}}")
    assert "H = 32" in found.message


def test_what_cannot_be_decided_is_said_to_be_so() -> None:
    # The branches differ from H = 30001 on, and their period is too long to look for it.
    text = """\
  - residual:
      body: [max_pool2d: {kernel_size: 1, stride: 30000}]
      shortcut: [max_pool2d: {kernel_size: 1, stride: 30001}]
"""
    (found,) = errors(text, "[N, 1, H, 9]")
    assert "cannot be decided" in found.message
    assert "(H + 29999)//30000 against (H + 30000)//30001" in found.message


def test_numbers_in_a_symbolic_plan_give_the_concrete_plan() -> None:
    layers = (
        STRIDED
        + "  - residual: [batch_norm2d, relu]\n  - max_pool2d: {kernel_size: 3, ceil_mode: true}\n"
    )
    symbolic = plan(layers)
    for n, h, w in ((0, 9, 5), (1, 33, 40), (64, 224, 7)):
        concrete = plan(layers, f"[{n}, 1, {h}, {w}]")
        values = {"N": n, "H": h, "W": w}
        for a, b in zip(symbolic.layers, concrete.layers, strict=True):
            assert tuple(substitute(size, values) for size in a.output_shape) == b.output_shape
        assert substitute(symbolic.total_macs, values) == concrete.total_macs


@pytest.mark.parametrize("batch", [0, 1, 64, "N"])
def test_any_batch_size(batch: object) -> None:
    assert shape("  - flatten\n  - linear: 10\n", f"[{batch}, 4, 4]") == f"[{batch}, 10]"


def test_dtypes_are_part_of_the_plan() -> None:
    ids = "{shape: [N, T], dtype: int64}"
    assert shape("  - embedding: {num_embeddings: 9, embedding_dim: 4}\n", ids) == "[N, T, 4]"
    (found,) = errors("  - embedding: {num_embeddings: 9, embedding_dim: 4}\n", "[N, T]")
    assert "whole numbers" in found.message
    (found,) = errors("  - linear: 4\n", "{shape: [N, 8], dtype: int64}")
    assert "int64" in found.message


def test_all_errors_are_found_in_one_run() -> None:
    text = """\
  - reluu
  - linear: {out_featurs: 3}
  - conv2d: 3
  - {name: type, relu: }
  - softmax: {dim: 1.5}
  - {dtype: float32, relu: }
"""
    assert [(d.location.line, d.code) for d in errors(text)] == [
        (4, "unknown-layer"),
        (5, "unknown-argument"),
        (6, "no-bare-value"),
        (7, "taken-name"),
        (8, "bad-argument"),
        (9, "not-yet"),
    ]


def test_one_mistake_is_reported_once() -> None:
    """What follows a layer that was refused is not blamed."""
    text = "  - conv2d: {out_channels: 4, kernel_size: 50}\n  - flatten\n  - linear: 10\n"
    assert len(errors(text, "[N, 1, 28, 28]")) == 1
