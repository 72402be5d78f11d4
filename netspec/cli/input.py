"""The specs that a command line names: files, and ``-`` for standard input."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from netspec.diagnostics import Diagnostic, Location, SpecError
from netspec.planning import Plan

STDIN = "<stdin>"


def add_choices(parser: argparse.ArgumentParser) -> None:
    """The options that choose among a spec's variants and params."""
    parser.add_argument("--variant", metavar="NAME", help="a variant of the spec")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="params",
        help="the value of a param of the spec, in YAML; may be repeated",
    )


def add_prove(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prove",
        action="store_true",
        help="prove the shapes of layers without a shape rule instead of probing a few sizes",
    )


def findings(name: str, given: argparse.Namespace) -> list[Diagnostic]:
    """Everything that is found about a spec, in all its variants or in the chosen one."""
    from netspec.api import check_file, check_text

    try:
        if given.variant is not None or given.params:
            return list(planned(name, given).warnings)
        prove = given.prove
        if name != "-":
            return check_file(name, prove=prove)
        return check_text(_standard_input(), STDIN, prove=prove)
    except SpecError as error:
        return list(error.diagnostics)


def planned(
    name: str,
    given: argparse.Namespace,
    batch: int | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Plan:
    """The plan of a spec, for inputs of these sizes.

    Raises:
        SpecError: it is wrong.
        ValueError: the inputs do not take the sizes.
    """
    from netspec.api import check_text, loads, plan

    params = _params(given.params)
    prove = getattr(given, "prove", False)
    if name != "-":
        return plan(
            name, variant=given.variant, params=params, batch=batch, sizes=sizes, prove=prove
        )
    data = _standard_input()
    if given.variant is None and not params:
        found = check_text(data, STDIN)
        if any(diagnostic.severity == "error" for diagnostic in found):
            raise SpecError(found)
    text = data.decode("utf-8-sig", errors="replace")
    spec = loads(text, STDIN, variant=given.variant)
    return plan(spec, params=params, batch=batch, sizes=sizes, prove=prove)


def _params(written: list[str]) -> dict[str, Any]:
    """``width=64`` and ``stages=[[1, 64], [2, 128]]`` as values.

    Raises:
        SpecError: there is no ``=``, or the value is not YAML.
    """
    from netspec.advice.commands import pair
    from netspec.diagnostics import Diagnostics
    from netspec.source import ScalarNode, read_text
    from netspec.source.nodes import ListNode, Node

    def value(node: Node) -> Any:
        if isinstance(node, ScalarNode):
            return node.value
        if isinstance(node, ListNode):
            return tuple(value(item) for item in node.items)
        raise SpecError([Diagnostic("bad-value", "a param is no mapping", Location("--set"))])

    params = {}
    for text in written:
        name, equals, rest = text.partition("=")
        if not equals or not name or not rest.strip():
            message = f"{text!r} is not NAME=VALUE: {pair(text)}"
            raise SpecError([Diagnostic("bad-value", message, Location("--set"))])
        found = Diagnostics()
        node = read_text(rest, f"--set {name}", found)[1]
        if node is None or found.failed:
            raise SpecError(found.all())
        params[name] = value(node)
    return params


def _standard_input() -> bytes:
    """As much of it as a spec may have, and a byte more, which tells that it is too much.

    Raises:
        SpecError: it is closed, or a folder.
    """
    from netspec.source.limits import MAX_BYTES

    try:
        if sys.stdin is None:
            raise OSError(0, "it is closed")
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    except OSError as problem:
        message = f"cannot read standard input: {problem.strerror}"
        raise SpecError([Diagnostic("unreadable-file", message, Location(STDIN))]) from problem
