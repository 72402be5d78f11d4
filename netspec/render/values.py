"""Plans, diagnostics, layers and plugins as what ``json.dump`` takes; the form of ``--json``."""

from __future__ import annotations

import math
from typing import Any

from netspec.declaration import LayerType, TensorType
from netspec.declaration.arguments import spelled
from netspec.diagnostics import Diagnostic, Fix
from netspec.planning import Plan, PlannedLayer
from netspec.registry import Plugin
from netspec.registry.installed import KINDS, LAYERS
from netspec.render.facts import family_of
from netspec.render.totals import unless_beyond_limits
from netspec.sizes import Size
from netspec.spec import Value

Json = dict[str, Any]


def diagnostic_values(diagnostic: Diagnostic) -> Json:
    """A finding; lines and columns count from 1, ends are exclusive."""
    location = diagnostic.location
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "file": location.file,
        "line": location.line,
        "column": location.column,
        "end_line": location.end_line,
        "end_column": location.end_column,
        "path": location.path,
        "notes": [note.message for note in diagnostic.notes],
        "help": list(diagnostic.help),
        "fixes": [_fix(fix) for fix in diagnostic.fixes],
    }


def _fix(fix: Fix) -> Json:
    return {
        "message": fix.message,
        "is_certain": fix.is_certain,
        "edits": [
            {
                "line": edit.location.line,
                "column": edit.location.column,
                "end_line": edit.location.end_line,
                "end_column": edit.location.end_column,
                "text": edit.text,
            }
            for edit in fix.edits
        ],
    }


def plan_values(plan: Plan) -> Json:
    """A plan; a symbolic size is a string (``"(H + 1)//2"``), one beyond all limits None."""
    saved = unless_beyond_limits(plan.saved_for_backward)
    by_layer = (None,) * len(plan.layers) if saved is None else saved.layers
    return {
        "name": plan.name,
        "inputs": [{"name": given.name, **_type(given.type)} for given in plan.inputs],
        "outputs": [
            {"name": name, **_type(output)}
            for name, output in zip(plan.graph.results.names, plan.outputs, strict=True)
        ],
        "layers": [_layer(*both) for both in zip(plan.layers, by_layer, strict=True)],
        "parameters": {own.path: list(own.shape) for own in plan.parameters},
        "ties": {other: tie.source for tie in plan.ties for other in tie.others},
        "frozen": sorted(plan.frozen),
        "total_params": plan.total_params,
        "trained_params": plan.trained_params,
        "total_buffer_numel": plan.total_buffer_numel,
        "total_macs": _size(unless_beyond_limits(lambda: plan.total_macs)),
        "total_saved_for_backward": None if saved is None else _size(saved.total),
        "conditions": [str(condition) for condition in plan.conditions],
        "warnings": [diagnostic_values(warning) for warning in plan.warnings],
    }


def _layer(layer: PlannedLayer, saved_for_backward: Size | None) -> Json:
    """A row of the plan; ``output_bytes`` and ``saved_for_backward`` are bytes."""
    return {
        "path": layer.path,
        "type": layer.type,
        "class": layer.application.type.target,
        "arguments": {name: _value(value) for name, value in layer.arguments.items()},
        "inputs": [_type(given) for given in layer.inputs],
        "outputs": [_type(output) for output in layer.outputs],
        "parameters": {item.name: list(item.shape) for item in layer.parameters},
        "buffers": {item.name: list(item.shape) for item in layer.buffers},
        "params": layer.params,
        "buffer_numel": layer.buffer_numel,
        "macs": _size(layer.macs) if layer.application.is_counted else None,
        "output_bytes": _size(unless_beyond_limits(lambda: layer.output_bytes)),
        "saved_for_backward": _size(saved_for_backward),
        "shapes": layer.trust,
        "device": layer.device,
        "again": layer.is_reused,
    }


def layer_values(layer: LayerType, plugin: Plugin) -> Json:
    """What can be written of a layer."""
    return {
        "name": layer.name,
        "class": layer.target,
        "family": family_of(layer),
        "summary": layer.summary,
        "description": layer.description,
        "obvious_argument": layer.obvious_argument,
        "inputs": [
            {"name": name, "required": number < layer.required_inputs}
            for number, name in enumerate(layer.inputs)
        ],
        "arguments": [
            {
                "name": argument.name,
                "takes": argument.describe(),
                "required": argument.required,
                "inferred_from": argument.inferred,
                "default": _value(argument.default),
                "was": list(argument.was),
                "deprecated": argument.deprecated or None,
            }
            for argument in layer.arguments.values()
        ],
        "left_out": dict(layer.left_out),
        "was": list(layer.was),
        "deprecated": layer.deprecated or None,
        "further_arguments": layer.further
        and {"name": layer.further.name, "takes": layer.further.describe()},
        "plugin": plugin.name,
        "package": plugin.package,
    }


def plugin_values(plugin: Plugin) -> Json:
    """A plugin, what it adds and what is wrong with it."""
    return {
        "name": plugin.name,
        "package": plugin.package,
        "version": plugin.version,
        "layers": list(plugin.layers),
        **{kind: list(plugin.brings.get(kind, ())) for kind in KINDS if kind != LAYERS},
        "hooks": list(plugin.hooks),
        "problem": plugin.problem,
    }


def _type(type: TensorType) -> Json:
    return {"shape": [_size(size) for size in type.shape], "dtype": type.dtype}


def _size(size: Size | None) -> int | str | None:
    return size if isinstance(size, int | None) else str(size)


def _value(value: Value) -> Any:
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return spelled(value)  # JSON has no word for it
    return value
