"""What the commands that tell memory share: their options, and the telling."""

from __future__ import annotations

import argparse

from netspec.accounting.optimizers import OPTIMIZERS
from netspec.cli.output import output, print_json, usage_error, width
from netspec.declaration.tensor import FLOATING
from netspec.diagnostics import SpecError, listed
from netspec.planning import Plan
from netspec.source.nodes import shortened

NONE = "none"
DIGITS = 12  # of a size; torch has no tensors that are larger
SHORT = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32", "fp64": "float64"}


def add_memory_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--batch",
        type=_whole_number,
        metavar="N",
        help="batch size of one process: the first size of the input",
    )
    parser.add_argument(
        "--size",
        action="append",
        default=[],
        metavar="NAME=SIZE",
        help="another named size of the input; may be repeated",
    )
    parser.add_argument(
        "--dtype",
        type=lambda text: SHORT.get(text, text),
        choices=sorted(FLOATING),
        default="float32",
        metavar="DTYPE",
        help=f"of weights and activations: {listed(sorted(FLOATING), 'or')}; or bf16, fp16 ...",
    )
    parser.add_argument(
        "--optimizer",
        choices=[*OPTIMIZERS, NONE],
        default="adamw",
        metavar="NAME",
        help=f"{listed([*OPTIMIZERS, NONE], 'or')}; adamw by default",
    )
    parser.add_argument(
        "--inference",
        action="store_true",
        help="a forward pass without gradients instead of a training step",
    )
    parser.add_argument(
        "--device",
        default="cuda",
        metavar="NAME",
        help="device of layers without one: cuda (default), or cpu, where optimizers and "
        "kernels need other memory",
    )


def tell_memory(plan: Plan, given: argparse.Namespace, ranks: int | None = None) -> int:
    """Prints it; gives the exit code."""
    from netspec.api import memory
    from netspec.render.memory import memory_table, memory_values

    sizes = named_sizes(given)
    if isinstance(sizes, str):
        return usage_error(sizes)
    try:
        told = memory(
            plan,
            batch=given.batch,
            sizes=sizes,
            dtype=given.dtype,
            optimizer=None if given.optimizer == NONE else given.optimizer,
            placement=given.placement,
            ranks=ranks,
            training=not given.inference,
            device=given.device,
        )
    except SpecError:  # which is a ValueError, too
        raise
    except ValueError as error:
        return usage_error(f"{error} (--batch and --size give them)")
    if given.json:
        print_json(memory_values(told))
    else:
        print(memory_table(told, width(output())), file=output())
    return 0


def _whole_number(text: str) -> int:
    """
    Raises:
        argparse.ArgumentTypeError: it is none, or one that no size can be.
    """
    if not text.isdecimal() or len(text) > DIGITS:
        raise argparse.ArgumentTypeError(f"{shortened(text)!r} is not a whole number up to 10**12")
    return int(text)


def named_sizes(given: argparse.Namespace) -> dict[str, int] | str:
    """The values of ``--size``, or what is wrong with one."""
    sizes: dict[str, int] = {}
    for text in given.size:
        name, _, value = text.partition("=")
        if not value.isdecimal() or len(value) > DIGITS:
            return f"--size {shortened(text)}: write for example --size T=128"
        sizes[name] = int(value)
    return sizes
