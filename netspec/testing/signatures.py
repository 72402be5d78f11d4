"""Where a declaration's arguments are not those of the class that it makes."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from inspect import Parameter

import torch
from torch import nn

from netspec.declaration import FromClass, LayerType

Parameters = dict[str, Parameter]

#: Arguments that netspec leaves out, of one class or of all, with the reason.
LEFT_OUT = {
    "*.device": "where a layer lives is the spec's `device:`",
    "*.dtype": "weights have torch's default dtype; `model.to(dtype)` gives them another",
    "*._*": "torch's own, and not documented",
    "Hardtanh.min_value": "deprecated, another name of min_val",
    "Hardtanh.max_value": "deprecated, another name of max_val",
    "SyncBatchNorm.process_group": "processes are not known where a spec is written",
    "Transformer.custom_encoder": "a module, which is no value of YAML",
    "Transformer.custom_decoder": "a module, which is no value of YAML",
}
#: Arguments that netspec has and the class may lack, with the reason.
MAY_LACK = dict.fromkeys(
    ("BatchNorm?d.bias", "InstanceNorm?d.bias", "GroupNorm.bias", "SyncBatchNorm.bias"),
    "keyword-only, and newer than the oldest torch that netspec takes",
)
#: Arguments that are a layer in torch: netspec's class takes that layer's own arguments.
LAYERS_AS_ARGUMENTS: dict[str, type[nn.Module]] = {
    "encoder_layer": nn.TransformerEncoderLayer,
    "decoder_layer": nn.TransformerDecoderLayer,
}
#: What the signatures of LSTM, GRU and RNN say in their overloads: it is theirs, or is not.
_NOT_OF_ALL_RECURRENT = {"mode", "proj_size"}


def differences(
    layer: LayerType, cls: type, left_out: Mapping[str, str] | None = None
) -> Iterator[str]:
    """What to change, in sentences, so that the declaration is as the class.

    ``left_out`` has the arguments of the class that the layer has not, as ``Class.argument`` with
    the reason, beside those of LEFT_OUT.
    """
    there = parameters(cls)
    class_ = _titled(cls)
    if isinstance(layer, FromClass):
        declared = {f"{cls.__name__}.{name}": "as it declares" for name in layer.left_out}
        left_out = {**declared, **(left_out or {})}
    yield from _lacking(layer, cls, there, LEFT_OUT | dict(left_out or {}))
    shared = [name for name in layer.arguments if name in there]
    for name in layer.arguments:
        if name not in there and not _is_among(MAY_LACK, cls, name):
            way_out = ", or add it to MAY_LACK in netspec/testing/signatures.py with the reason"
            yield (
                f"{class_} has no argument `{name}`, which `{layer.name}` has: take it out of "
                f"{_file(layer)}{way_out if _is_own(layer) else ''}"
            )
    order = [name for name in there if name in shared]
    if order != shared:
        yield f"{class_} has the order {order}, `{layer.name}` in {_file(layer)} has {shared}"
    yield from _other_defaults(layer, cls, there)
    yield from _other_further(layer, cls)


def differences_from_twin(layer: LayerType, twin: type) -> Iterator[str]:
    """The same for a class of netspec's own that stands for torch's class of the same name.

    It may have more arguments, and another order.
    """
    there: Parameters = {}
    for name, parameter in parameters(twin).items():
        inner = LAYERS_AS_ARGUMENTS.get(name)
        there |= {name: parameter} if inner is None else parameters(inner)
    yield from _lacking(layer, twin, there, LEFT_OUT)
    values = {name: p for name, p in there.items() if "Module" not in str(p.annotation)}
    yield from _other_defaults(layer, twin, values)


def parameters(cls: type) -> Parameters:
    """The parameters of a class that can be given by name."""
    if issubclass(cls, nn.RNNBase) and cls is not nn.RNNBase:
        return _of_recurrent(cls)
    return _by_name(inspect.signature(cls))


def _of_recurrent(cls: type[nn.RNNBase]) -> Parameters:
    """Of LSTM, GRU and RNN, which take ``(*args, **kwargs)``: their overload's and RNNBase's."""
    overload = typing.get_overloads(cls.__init__)[0]
    own = _by_name(inspect.signature(overload))
    own.pop("self")
    base = _by_name(inspect.signature(nn.RNNBase))
    more = {n: p for n, p in base.items() if n not in own and n not in _NOT_OF_ALL_RECURRENT}
    return own | more


def _by_name(signature: inspect.Signature) -> Parameters:
    many = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return {name: p for name, p in signature.parameters.items() if p.kind not in many}


def _lacking(
    layer: LayerType, cls: type, there: Parameters, left_out: Mapping[str, str]
) -> Iterator[str]:
    before = "first"
    for name, parameter in there.items():
        if name not in layer.arguments and not _is_among(left_out, cls, name):
            hint = parameter.annotation
            text = str(parameter)
            text = text.replace(repr(hint), hint, 1) if isinstance(hint, str) else text
            place = "LEFT_OUT in netspec/testing/signatures.py"
            if not _is_own(layer):
                place = f"`left_out` of conformance() as '{cls.__name__}.{name}'"
            yield (
                f"{_titled(cls)} has the argument `{text}` that `{layer.name}` lacks: add "
                f"`{text}` {before} to {_file(layer)}, or to {place} with the reason"
            )
        if name in layer.arguments:
            before = f"after `{name}`"


def _other_defaults(layer: LayerType, cls: type, there: Parameters) -> Iterator[str]:
    for name, parameter in there.items():
        if name not in layer.arguments or name in layer.inferred:
            continue
        # A function is written by its name. And repr, because 1 == 1.0 == True.
        given = parameter.default
        given = given.__name__ if inspect.isfunction(given) else given
        declared = layer.defaults.get(name, Parameter.empty)
        if repr(declared) != repr(given):
            yield (
                f"`{name}` of {_titled(cls)} {_default(given)}, "
                f"and that of `{layer.name}` {_default(declared)} in {_file(layer)}"
            )


def _other_further(layer: LayerType, cls: type) -> Iterator[str]:
    """Arguments of any further name have to be the class's, and be called as there."""
    if layer.further is None:
        return
    signature = inspect.signature(cls)
    names = [p.name for p in signature.parameters.values() if p.kind is Parameter.VAR_KEYWORD]
    if names != [layer.further.name]:
        there = f"`**{names[0]}`" if names else "no arguments of any further name"
        yield (
            f"{_titled(cls)} has {there}, and `{layer.name}` in {_file(layer)} has "
            f"`**{layer.further.name}`"
        )


def _is_own(layer: LayerType) -> bool:
    """Whether the layer is one of netspec's own."""
    return layer.rule.__module__.startswith("netspec.")


def _file(layer: LayerType) -> str:
    """Where the layer's arguments are declared."""
    module = layer.rule.__module__
    if isinstance(layer, FromClass) and not layer.has_rule:
        module = layer.target.rpartition(".")[0]  # the arguments are the class's
    return f"{module.replace('.', '/')}.py"


def _default(value: object) -> str:
    return "is required" if value is Parameter.empty else f"is {value!r} by default"


def _is_among(patterns: Mapping[str, str], cls: type, argument: str) -> bool:
    return any(fnmatchcase(f"{cls.__name__}.{argument}", pattern) for pattern in patterns)


def _titled(cls: type) -> str:
    """``torch.nn.Linear of torch 2.14.1``; a class of netspec's own by its module."""
    if getattr(nn, cls.__name__, None) is cls:
        return f"torch.nn.{cls.__name__} of torch {torch.__version__}"
    return f"{cls.__module__}.{cls.__name__}"
