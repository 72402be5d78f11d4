"""Unpooling puts each value where its pool found it, or says why it cannot."""

from itertools import product

import pytest
import torch

import netspec
from netspec.sizes import evaluate

TEXT = """
netspec: 1
input: {input}
layers:
  p: {{{pool}}}
  u: {{from: [p, p.indices], {unpool}}}
"""


def spec(input: str, pool: str, unpool: str) -> netspec.Spec:
    return netspec.loads(TEXT.format(input=input, pool=pool, unpool=unpool))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_values_go_back_to_where_the_pool_found_them(dims: int) -> None:
    for size, kernel, stride, padding, ceil in product(
        (5, 6, 7), (2, 3), (1, 2, 3), (0, 1), ("false", "true")
    ):
        sides = f"kernel_size: {kernel}, stride: {stride}, padding: {padding}"
        pool = f"max_pool{dims}d: {{{sides}, ceil_mode: {ceil}, return_indices: true}}"
        sizes = [size, *(6, 5)[: dims - 1]]
        plan = netspec.plan(
            spec(f"[N, 2, {str(sizes)[1:-1]}]", pool, f"max_unpool{dims}d: {{{sides}}}")
        )
        model = netspec.build(plan, device="cpu")
        x = 1 + torch.rand(2, 2, *sizes)
        pooled, indices = model.get_submodule("p")(x)
        expected = torch.zeros(x.shape).flatten(2)
        expected.scatter_(2, indices.flatten(2), pooled.flatten(2))
        assert torch.equal(model(x), expected.reshape(x.shape)), pool
        assert [evaluate(n, {"N": 2}) for n in plan.output_shape] == list(x.shape)
        assert plan.warnings == ()


@pytest.mark.parametrize(
    ("input", "pool", "unpool", "words"),
    [
        ("[N, 2, H, 8]", "max_pool2d: {kernel_size: 2, return_indices: true}", "max_unpool2d: 2",
         "places in H x 8: the values would be put elsewhere (for example H = 33)"),
        ("[N, 2, 9, 9]", "max_pool2d: {kernel_size: 2, return_indices: true}", "max_unpool2d: 3",
         "max_unpool2d cannot give 9 x 9"),
        ("[N, 2, 9, 9]", "adaptive_max_pool2d: {output_size: 2, return_indices: true}",
         "max_unpool2d: 2", "max_unpool2d cannot give 9 x 9"),
        ("[N, 2, 9, 9]", "max_pool2d: {kernel_size: 2, return_indices: true}",
         "max_unpool2d: {kernel_size: 2, output_size: 8}", "output_size is 8, but must be [9, 9]"),
    ],
)  # fmt: skip
def test_what_is_no_inverse_is_refused(input: str, pool: str, unpool: str, words: str) -> None:
    (found,) = netspec.check(spec(input, pool, unpool))
    assert found.severity == "error"
    assert words in found.message


def test_named_sizes_that_the_pool_loses_nothing_of_are_taken() -> None:
    pool = "max_pool2d: {kernel_size: 2, return_indices: true}"
    text = TEXT.format(input="[N, 2, H, 8]", pool=pool, unpool="max_unpool2d: 2")
    (found,) = netspec.check(text)
    assert found.help == ("state it in `input`: `H: {multiple_of: 2}`",)
    stated = text.replace("[N, 2, H, 8]", "{shape: [N, 2, H, 8], H: {multiple_of: 2}}")
    assert netspec.check(stated) == []


def test_indices_of_nobody_are_warned_of() -> None:
    text = (
        "netspec: 1\ninputs: {{x: [N, 2, 4], at: {{shape: [N, 2, 4], dtype: int64}}}}\n"
        "layers: [{{from: [x, at], max_unpool1d: {arguments}}}]\n"
    )
    (found,) = netspec.check(text.format(arguments="2"))
    assert (found.severity, "takes 8" in found.message) == ("warning", True)
    assert netspec.check(text.format(arguments="{kernel_size: 2, output_size: 9}")) == []
    (found,) = netspec.check(text.format(arguments="{kernel_size: 2, output_size: 10}"))
    assert "cannot give 10" in found.message
