"""What is advised to state in `input` keeps what is stated there."""

import pytest

import netspec

U_NET = """
netspec: 1
input: {{shape: [N, 1, H, W], {stated}}}
layers:
  a: {{conv2d: {{out_channels: 4, kernel_size: 3, padding: {padding}}}}}
  p: {{max_pool2d: 2}}
  b: {{conv2d: {{out_channels: 4, kernel_size: 3, padding: {padding}}}}}
  u: {{interpolate: {{scale_factor: 2}}}}
  j: {{from: [u, a], concat: }}
"""


def test_a_mismatch_of_sizes_with_a_multiple_has_a_counterexample() -> None:
    stated = "H: {multiple_of: 8}, W: {multiple_of: 8}"
    (found,) = netspec.check(U_NET.format(stated=stated, padding=0))
    assert "dim 2 does (H = 32 gives 26 and 30)" in found.message
    assert found.help == ()


@pytest.mark.parametrize(
    ("stated", "advised"),
    [
        ("H: {min: 9}", "H: {min: 9, multiple_of: 2}, W: {multiple_of: 2}"),
        ("H: {multiple_of: 3}", "H: {multiple_of: 6}, W: {multiple_of: 2}"),
        ("W: {max: 64}", "H: {multiple_of: 2}, W: {max: 64, multiple_of: 2}"),
        ("H: {min: 7, max: 7}", ""),
    ],
)
def test_all_sizes_that_differ_are_advised_at_once(stated: str, advised: str) -> None:
    (found,) = netspec.check(U_NET.format(stated=stated, padding=1))
    assert found.help == ((f"state in `input`: `{advised}`",) if advised else ())
    if advised:
        assert netspec.check(U_NET.format(stated=advised, padding=1)) == []


def test_the_example_of_a_sum_is_one_that_torch_refuses() -> None:
    (found,) = netspec.check(
        "netspec: 1\ninput: [N, 2, H]\nlayers:\n"
        "  {p: {avg_pool1d: 32}, u: {interpolate: {scale_factor: 2}}, a: {from: [u, p], add: }}\n"
    )
    assert "(H = 64 gives 4 and 2)" in found.message  # 2 and 1 are added
