"""What belongs to the whole process is the same in every thread while netspec works."""

import gc
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

import netspec
from netspec.plugin import LayerType, Output, TensorType, hookimpl, layer
from netspec.templates.template import TemplateError, parse_template

TEXT = "netspec: 1\ninput: [N, 8]\nparams: {n: $(2 * 4)}\nlayers:\n  - linear: $n\n  - looks\n"


def state() -> list[Any]:
    return [
        gc.isenabled(),
        list(warnings.filters),
        sys.stdout,
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
    ]


def looking(seen: list[Any]) -> netspec.Registry:
    """A registry with a layer whose rule looks at the process."""

    @layer("torch.nn.Identity")
    def looks(input: TensorType) -> Output:
        """Returns its input."""
        seen.append(state())
        return Output(input.shape)

    class Plugin:
        @hookimpl
        def netspec_layers(self) -> list[LayerType]:
            return [looks]

    registry = netspec.Registry()
    registry.register(Plugin(), name="mine")
    return registry


def test_nothing_of_the_process_changes_while_other_threads_run() -> None:
    seen: list[Any] = []
    registry = looking(seen)

    def work() -> None:
        spec = netspec.loads(TEXT)
        netspec.build(netspec.plan(spec, registry=registry), device="cpu", seed=0)

    with ThreadPoolExecutor(1) as pool:  # this thread is the other one
        pool.submit(work).result()  # modules of torch that are imported late have own filters
        seen.clear()
        before = state()
        pool.submit(work).result()
    assert seen == [before]
    assert state() == before


def test_many_threads_leave_the_process_as_it_was() -> None:
    """Two that set the filters of warnings aside would leave those of one behind."""
    registry, before = looking([]), state()
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(netspec.check, TEXT, registry=registry) for _ in range(64)]:
            assert done.result() == []
    assert state() == before


@pytest.mark.parametrize(
    "text", ["$(1is 2)", "$(1if a else 2)", "$(0x1for)", r"$('\d')", r"$('\777')"]
)
def test_an_expression_of_which_python_warns_is_refused_before_it_is_parsed(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TemplateError):
            parse_template(text)


@pytest.mark.parametrize(
    "text",
    ["$(1e-5)", "$(1_000 + 0x1F)", "$(2.5 if a else 1.)", r"$('a\n\\d')", "$('1is 2')", "$(a1is)"],
)
def test_what_python_does_not_warn_of_is_read(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse_template(text)
