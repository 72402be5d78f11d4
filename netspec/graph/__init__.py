"""The graph of a container, as a value: what it calls, with named and typed values between."""

from netspec.graph.application import (
    Application,
    Condition,
    Init,
    Initialiser,
    Parameter,
    Trust,
)
from netspec.graph.builder import GraphBuilder
from netspec.graph.graph import (
    NO_RESULTS,
    Body,
    Graph,
    GraphError,
    Node,
    Operation,
    OwnParameter,
    Results,
    Value,
    Visit,
)
from netspec.graph.interpreter import Interpreter

__all__ = [
    "NO_RESULTS",
    "Application",
    "Body",
    "Condition",
    "Graph",
    "GraphBuilder",
    "GraphError",
    "Init",
    "Initialiser",
    "Interpreter",
    "Node",
    "Operation",
    "OwnParameter",
    "Parameter",
    "Results",
    "Trust",
    "Value",
    "Visit",
]
