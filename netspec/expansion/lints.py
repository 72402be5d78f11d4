"""Warnings about wirings that torch takes, and that seldom do what was meant."""

from __future__ import annotations

from netspec.diagnostics import Diagnostics
from netspec.graph import Application, Body, Graph, Node
from netspec.spec import Origin


def report_lints(graph: Graph, prefix: str, found: Diagnostics) -> None:
    """Looks at a finished graph, whose path is the prefix."""
    if graph.is_chain:
        _biases(graph, prefix, found)
    else:
        _overwritten(graph, prefix, found)
        _biases(graph, prefix, found)
        _unread(graph, prefix, found)


def _biases(graph: Graph, prefix: str, found: Diagnostics) -> None:
    """A norm subtracts the mean, and with it a bias. One that is written is meant."""
    if not any(_subtracts_mean(body) for body in graph.bodies):
        return
    norms = [node for node in graph.nodes if _subtracts_mean(node.body)]
    makers = {number: at for at, node in enumerate(graph.nodes) for number in node.outputs}
    for norm in norms:
        at = makers.get(norm.inputs[0])
        if at is None:
            continue
        layer = graph.nodes[at]
        body = layer.body
        if (
            isinstance(body, Application)
            and "adds_channel_bias" in body.type.traits
            and body.arguments.get("bias") is True
            and "bias" not in body.written
            and len(body.outputs) == 1
            and graph.users(norm.inputs[0]) == (norm,)
        ):
            origin: Origin = graph.origins[at]
            following = norm.body.type.name if isinstance(norm.body, Application) else ""
            found.warning(
                "bias-before-norm",
                f"the bias of {body.type.name} has no effect: {following} subtracts it again",
                origin.span(),
                notes=[f"`{prefix}{layer.name}` is followed by `{prefix}{norm.name}`"],
                help=["write `bias: false`, or `bias: true` where it is meant"],
            )


def _subtracts_mean(body: Body) -> bool:
    return isinstance(body, Application) and "subtracts_channel_mean" in body.type.traits


def _overwritten(graph: Graph, prefix: str, found: Diagnostics) -> None:
    """An in-place layer whose input is read again."""
    nodes = graph.nodes
    last_read = dict.fromkeys((*graph.results.values, *graph.auxiliary.values), len(nodes))
    for place, node in enumerate(nodes):
        for number in node.inputs:
            last_read[number] = max(place, last_read.get(number, 0))
    for place, node in enumerate(nodes):
        if not node.is_call or not node.inputs or last_read[node.inputs[0]] <= place:
            continue
        layer = _overwriting(node, graph.origins[place], prefix)
        if layer is not None:
            path, type, origin = layer
            found.warning(
                "overwritten-input",
                f"{type} works in place, and changes a value that is read again",
                origin.argument("inplace"),
                notes=[f"`{path}` overwrites its input before another reader gets it"],
                help=["remove `inplace: true`"],
            )


def _overwriting(node: Node, origin: Origin, prefix: str) -> tuple[str, str, Origin] | None:
    """The layer that changes the first input of a node, where there is one."""
    body, path = node.body, prefix + node.name
    if isinstance(body, Application):
        return (path, body.type.name, origin) if body.overwrites_input else None
    if isinstance(body, Graph):
        for inner, written in zip(body.nodes, body.origins, strict=True):
            if inner.is_call and inner.inputs[:1] == (0,):
                layer = _overwriting(inner, written, f"{path}.")
                if layer is not None:
                    return layer
    return None


def _unread(graph: Graph, prefix: str, found: Diagnostics) -> None:
    """A child whose outputs nobody reads."""
    read = {*graph.results.values, *graph.auxiliary.values}
    for node in graph.nodes:
        read.update(node.inputs)
    for node, origin in zip(graph.nodes, graph.origins, strict=True):
        if node.is_call and not read.intersection(node.outputs):
            found.warning(
                "unused-output",
                f"nothing reads what `{prefix}{node.name}` gives",
                origin.span(),
                help=["name it in a `from:` or in `outputs:`, or remove it"],
            )
