"""mlnode: JSON graphs with a static shape check."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.measure import Work
from bench.peers.peer import Attempt, Peer, Way
from bench.peers.rows import FORWARD_LAYERS, LAYERS, WIDTH, with_weights

mlnode = importlib.import_module("mlnode")

Node = tuple[str, dict[str, Any]]
Graph = dict[str, Any]


def graph(
    input: list[int | str], *nodes: Node, edges: list[tuple[str, str]] | None = None
) -> Graph:
    """A graph of nodes called 0, 1, ..., which follow each other where no edges are given."""
    names = ["input", *map(str, range(len(nodes)))]
    pairs = list(pairwise(names)) if edges is None else edges
    made = [
        {"id": name, "type": type, "params": params}
        for name, (type, params) in zip(names[1:], nodes, strict=True)
    ]
    return {
        "mlnode_schema_version": "1.0",
        "input_shape": input,
        "output_node": names[-1],
        "nodes": [{"id": "input", "type": "Input", "params": {}}, *made],
        "edges": [{"source": source, "target": target} for source, target in pairs],
    }


def linear(inputs: int, outputs: int, **more: object) -> Node:
    return ("Linear", {"in_features": inputs, "out_features": outputs, **more})


RELU: Node = ("ReLU", {})
MLP = graph(
    ["B", 28, 28],
    ("Flatten", {"start_dim": 1}),
    *(linear(784, 512), RELU, linear(512, 512), RELU, linear(512, 10)),
    ("Softmax", {"dim": 1}),
)


def chain(layers: int) -> Graph:
    return graph(["B", WIDTH], *([linear(WIDTH, WIDTH), RELU] * (layers // 2)))


def peer(command: str) -> Peer:
    return Peer("mlnode", "mlnode", _ways(), _attempts(command))


def _ways() -> tuple[Way, ...]:
    values = chain(LAYERS)
    text, mlp_text = json.dumps(values), json.dumps(MLP)
    return (
        Way("mlp", "dict", lambda: lambda: _model(MLP).build()),
        Way("mlp", "JSON text", lambda: lambda: _model(json.loads(mlp_text)).build()),
        Way("build", "dict", lambda: lambda: _model(values).build()),
        Way("build", "JSON text", lambda: lambda: _model(json.loads(text)).build()),
        Way("forward", "", lambda: with_weights(_model(chain(FORWARD_LAYERS)).build())),
        Way("check", "validate, dict", lambda: lambda: _validated(_model(values))),
        Way("check", "validate, JSON text", lambda: lambda: _validated(_model(json.loads(text)))),
        Way("check", "validate alone, graph read", _validate_alone),
        Way("shapes", "validate alone, graph read", _validate_alone),
    )


def _model(values: Graph) -> Any:
    return mlnode.MLnodeModel.from_dict(values)


def _validated(model: Any) -> Any:
    result = model.validate()
    assert result.valid
    return result


def _validate_alone() -> Work:
    model = _model(chain(LAYERS))
    return lambda: _validated(model)


def _attempts(command: str) -> dict[str, Attempt | str]:
    strided: Node = (
        "Conv2d",
        {"in_channels": 3, "out_channels": 3, "kernel_size": 3, "stride": 2, "padding": 1},
    )
    residual = [("input", "0"), ("0", "1"), ("input", "1")]
    convolution = {"in_channels": 3, "out_channels": 8}
    twice = json.dumps(graph(["B", 8], linear(8, 256))).replace(
        '"out_features": 256', '"out_features": 256, "out_features": 1024'
    )
    code = graph(["B", 8], ("custom", {"command": command}))
    code["nodes"][1]["path"] = "os.system"
    return {
        "in_features": _wrong(graph(["B", 28, 28], ("Flatten", {}), linear(128, 10))),
        "kernel": _wrong(graph(["B", 3, 8, 8], ("Conv2d", {**convolution, "kernel_size": 9}))),
        "layer": _wrong(graph(["B", 8], ("Linera", linear(8, 4)[1]))),
        "argument": _wrong(
            graph(["B", 3, 8, 8], ("Conv2d", {**convolution, "kernel_size": 3, "strid": 2}))
        ),
        "residual": _wrong(graph(["B", 3, 8, 8], strided, ("Add", {}), edges=residual)),
        "symbolic": _wrong(graph(["B", 3, "H", "W"], strided, ("Add", {}), edges=residual)),
        "ceil": _wrong(
            graph(
                ["B", 1, 9, 9],
                ("MaxPool2d", {"kernel_size": 2, "ceil_mode": True}),
                ("Flatten", {}),
                linear(16, 10),
            )
        ),
        "twice": _attempt(lambda: _loaded(twice)),
        "text": _wrong(graph(["B", 8], linear(8, 4, bias="false"))),
        "code": _wrong(code),
    }


def _wrong(values: Graph) -> Attempt:
    return _attempt(lambda: _model(values))


def _attempt(read: Callable[[], Any]) -> Attempt:
    def check() -> str | None:
        result = read().validate()
        return None if result.valid else str(result.errors[0].message)

    return Attempt(lambda: read().build(), check)


def _loaded(text: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.mlnode.json")
        path.write_text(text)
        return mlnode.MLnodeModel.load(path)
