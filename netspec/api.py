"""The functions that programs call; each is one walk through the rooms."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from netspec.budget import MAX_STEPS
from netspec.declaration import Refusal
from netspec.declaration.tensor import FLOATING
from netspec.diagnostics import Diagnostic, Diagnostics, Location, SpecError, listed, suggestion
from netspec.expansion import expand, report_requirements, report_unused_blocks
from netspec.planning import Plan
from netspec.planning.planner import Planner
from netspec.registry import Registry, default_registry, devices
from netspec.source import Node, read_bytes, read_file, read_text, read_value
from netspec.spec import Spec, parse

if TYPE_CHECKING:
    import torch
    from torch import nn

    from netspec.accounting import Memory
    from netspec.diagnostics import Source
    from netspec.distributed.distribute import Distributed
    from netspec.placement.document import Placement
    from netspec.placement.layout import Layout
    from netspec.weights import LoadedWeights, Weights, WeightsLike

T = TypeVar("T")
Path = str | os.PathLike[str]
Params = Mapping[str, Any]

MAX_CHECKED = 200_000  # layers of all variants together
MAX_CHECKED_STEPS = 2 * MAX_STEPS


def load(path: Path, variant: str | None = None) -> Spec:
    """Reads a spec from a YAML file.

    Args:
        variant: one of the spec's ``variants``, whose values become the params' defaults.

    Raises:
        SpecError: the file cannot be read, its text is not a spec, or it has no such variant.
    """
    found = Diagnostics()
    return _read(_parsed(*read_file(path, found), found), variant, found)


def loads(text: str, name: str = "<text>", variant: str | None = None) -> Spec:
    """Reads a spec from YAML text; ``name`` stands in messages.

    Raises:
        SpecError: the text is not a spec.
    """
    found = Diagnostics()
    return _read(_parsed(*read_text(text, name, found), found), variant, found)


def from_dict(
    values: Mapping[str, object], name: str = "<dict>", variant: str | None = None
) -> Spec:
    """Reads a spec from dicts and lists, such as ``json.load`` gives.

    Raises:
        SpecError: the values are not a spec.
    """
    found = Diagnostics()
    return _read(_parsed(*read_value(values, name, found), found), variant, found)


def check(
    spec: Spec | Path, *, registry: Registry | None = None, prove: bool = False
) -> list[Diagnostic]:
    """Every finding about a spec, errors and warnings, in the order of the text.

    Args:
        spec: a Spec, the path of a file, or a text (a str with a line break).
        prove: whether shapes that are known from runs alone have to be proven.

    Never raises for bad input, and imports torch only for a layer that has no shape rule.
    """
    if isinstance(spec, str) and ("\n" in spec or "\r" in spec):
        return check_text(spec, registry=registry, prove=prove)
    if not isinstance(spec, Spec):
        return check_file(spec, registry=registry, prove=prove)
    found = Diagnostics()
    _checked(spec, registry, found, prove)
    return found.all()


def check_file(
    path: Path, *, registry: Registry | None = None, prove: bool = False
) -> list[Diagnostic]:
    """As ``check``, for a file whatever its name looks like."""
    found = Diagnostics()
    parsed = _parsed(*read_file(path, found), found)
    if parsed is not None:
        _checked(parsed, registry, found, prove)
    return found.all()


def check_text(
    text: str | bytes,
    name: str = "<text>",
    *,
    registry: Registry | None = None,
    prove: bool = False,
) -> list[Diagnostic]:
    """As ``check``, for a text whatever it looks like; ``name`` stands in messages."""
    found = Diagnostics()
    read = read_text(text, name, found) if isinstance(text, str) else read_bytes(text, name, found)
    parsed = _parsed(*read, found)
    if parsed is not None:
        _checked(parsed, registry, found, prove)
    return found.all()


def plan(
    spec: Spec | Path,
    *,
    variant: str | None = None,
    params: Params | None = None,
    batch: int | None = None,
    sizes: Mapping[str, int] | None = None,
    registry: Registry | None = None,
    prove: bool = False,
) -> Plan:
    """The plan of a spec: every shape, parameter and cost, without torch.

    Only a layer that has no shape rule needs torch here, to be run on the meta device.

    Args:
        spec: a Spec, or the path of a file.
        variant: one of the spec's ``variants``.
        params: values for the spec's ``params``, over those of the variant.
        batch: a value for the first size of the first input.
        sizes: values for named sizes of the inputs; the others stay symbolic.
        prove: whether shapes that are known from runs alone have to be proven.

    Raises:
        SpecError: the spec is wrong; ``error.diagnostics`` holds every finding.
        ValueError: the inputs have no such size, or do not take the value.
    """
    found = Diagnostics()
    parsed = spec if isinstance(spec, Spec) else _parsed(*read_file(spec, found), found)
    if parsed is None:
        return _sound(None, found)
    parsed = _chosen(parsed, variant, found)
    if found.failed and variant is not None:
        return _sound(None, found)
    if batch is not None or sizes:
        from netspec.spec.concrete import concrete

        parsed = concrete(parsed, batch, sizes or {})
    return _sound(_planned(parsed, registry, found, params, prove), found)


def build(
    spec: Spec | Plan | Path,
    *,
    variant: str | None = None,
    params: Params | None = None,
    device: str = "auto",
    seed: int | None = None,
    seed_by: Literal["order", "path"] = "order",
    init: bool = True,
    weights: WeightsLike | None = None,
    dtype: str | None = None,
    placement: Mapping[str, object] | Path | None = None,
    registry: Registry | None = None,
) -> nn.Module:
    """The model as modules of torch, with fresh weights or those of a file.

    Args:
        spec: a Spec, a Plan, or the path of a file.
        variant: one of the spec's ``variants``; of no use with a Plan.
        params: values for the spec's ``params``; of no use with a Plan.
        device: where layers go that say no ``device:`` of their own: a name that ``torch.device``
            takes, or ``auto`` for the accelerator of this machine, else the cpu.
        seed: gives the weights that hand-written code has after ``torch.manual_seed(seed)``.
        seed_by: ``path`` draws each layer's weights from a stream of its own, of the seed and the
            layer's path: another layer before it does not change them.
        init: False leaves the memory of weights that would be random as it is.
        weights: a ``.safetensors`` or ``.pt`` file, or the ``.safetensors.index.json`` of several:
            its tensors become the model's without a copy, once all names, shapes and dtypes are
            found to be those of the spec. Or a mapping: ``{"file": ..., "key": ..., "rename": ...,
            "only": ..., "fresh": ...}``, which says what of the file fills what of the model. The
            logger ``netspec`` tells at INFO what was loaded, what is fresh and what was left.
        dtype: of floating-point parameters and buffers (``bfloat16``), as ``nn.Module.to``.
        placement: a placement document for one process: a file, a text with a line break, or a
            dict.

    Returns:
        An ``nn.Sequential`` where the model is a chain; with a ``residual`` or ``concat`` at the
        top, a small module with the same children.

    Raises:
        SpecError: the spec or the placement is wrong, a device is not there (found before any
            weight is made), the weights are not the model's, or a plugin refuses the model.
        TypeError: arguments exclude each other; ValueError: there is no such dtype.
    """
    registry = registry or default_registry()
    written = _read_placement(placement)
    chosen = _chosen_weights(weights, written)
    _require_one_source(chosen, seed, init)
    _floating_dtype(dtype)
    planned = _given_plan(spec, variant, params, registry)
    model, loaded = build_and_report(
        planned, written, chosen, registry, device, seed, seed_by, init, dtype
    )
    if loaded is not None:
        loaded.log()
    return model


def build_and_report(
    planned: Plan,
    written: Placement | None,
    weights: Weights | None,
    registry: Registry,
    device: str = "auto",
    seed: int | None = None,
    seed_by: Literal["order", "path"] = "order",
    init: bool = True,
    dtype: str | None = None,
) -> tuple[nn.Module, LoadedWeights | None]:
    """As ``build``, with what was loaded of a file.

    Raises:
        SpecError, ValueError: as ``build``.
    """
    from netspec.building import load_weights, make_modules, make_on_meta
    from netspec.building.weights import freeze
    from netspec.placement.devices import resolve_devices
    from netspec.placement.document import require_one_process
    from netspec.placement.place import place

    chosen_dtype = _floating_dtype(dtype)
    layout = _laid_out(planned, written, registry)
    if written is not None:
        require_one_process(written)
    devices = resolve_devices(planned, device, registry, layout, written)
    loaded = None
    if weights is None:
        on_meta = frozenset(path for path, chosen in devices.items() if chosen.type == "meta")
        model = make_modules(planned, seed=seed, on_meta=on_meta, seed_by=seed_by, init=init)
    else:
        model = make_on_meta(planned)
        loaded = load_weights(
            model, planned, weights, chosen_dtype, seed=seed, seed_by=seed_by, init=init
        )
    if chosen_dtype is not None:
        model.to(chosen_dtype)
    waiting = frozenset(path for path, placed in layout.layers.items() if placed.kept_on)
    model = place(model, planned, devices, registry, waiting)
    freeze(model, layout.plan)
    _show(model, planned, "file" if weights is not None else "fresh" if init else "none", registry)
    if layout.actions:
        from netspec.placement.one_process import act

        model = act(model, layout, devices[""])
    return model, loaded


def distribute(
    spec: Spec | Plan | Path,
    placement: Mapping[str, object] | Path,
    *,
    variant: str | None = None,
    params: Params | None = None,
    device: str = "auto",
    seed: int | None = None,
    seed_by: Literal["order", "path"] = "order",
    init: bool = True,
    weights: WeightsLike | None = None,
    dtype: str | None = None,
    registry: Registry | None = None,
) -> Distributed:
    """This process's part of a model that several processes hold, as ``torchrun`` starts them.

    Every process calls it alike. The layout is checked before anything is made; then each makes,
    and reads of a file, its own part.

    Args:
        placement: a placement document: a file, a text with a line break, or a dict.
        device: the kind of device, of which each process takes its own (``cuda:LOCAL_RANK``).
        weights, seed, seed_by, init, dtype: as in ``build``; the weights are those that one
            process would have. The generators that dropouts draw from are seeded, too: alike on
            ranks that compute the same values, and with a seed of their own on others.

    Raises:
        SpecError: the spec, the placement or the weights are wrong, or there are more or fewer
            processes than the mesh has ranks.
        TypeError, ValueError: as in ``build``.
    """
    from netspec.distributed.distribute import (
        distribute,
        of_one_process,
        own_device,
        processes,
        require_ranks,
    )
    from netspec.placement.devices import resolve_devices
    from netspec.placement.document import read_placement

    written = read_placement(placement, processes())
    chosen = _chosen_weights(weights, written)
    _require_one_source(chosen, seed, init)
    chosen_dtype = _floating_dtype(dtype)
    registry = registry or default_registry()
    planned = _given_plan(spec, variant, params, registry)
    layout = _laid_out(planned, written, registry)
    require_ranks(layout, written)
    if not layout.mesh.axes:  # then `device:`, `devices` and `offload` count as in build
        model, loaded = build_and_report(
            planned, written, chosen, registry, device, seed, seed_by, init, dtype
        )
        if loaded is not None:
            loaded.log()
        return of_one_process(model, layout, resolve_devices(planned, device, registry)[""], seed)
    return distribute(
        layout,
        device=own_device(resolve_devices(planned, device, registry)[""]),
        seed=seed,
        seed_by=seed_by,
        init=init,
        weights=chosen,
        dtype=chosen_dtype,
    )


def _show(model: nn.Module, planned: Plan, weights: str, registry: Registry) -> None:
    """Shows a built model to the plugins.

    Raises:
        SpecError: one of them refuses it.
    """
    try:
        registry.built(model, planned, weights)
    except Refusal as refusal:
        found = Diagnostics()
        found.error(
            "refused-model",
            refusal.message,
            planned.root.origin.span(),
            help=refusal.help.split("\n"),
        )
        raise SpecError(found.all()) from None


def memory(
    spec: Spec | Plan | Path,
    *,
    batch: int | None = None,
    sizes: Mapping[str, int] | None = None,
    dtype: str = "float32",
    optimizer: str | None = "adamw",
    placement: Mapping[str, object] | Path | None = None,
    ranks: int | None = None,
    training: bool = True,
    device: str = "cuda",
    foreach: bool | None = None,
    variant: str | None = None,
    params: Params | None = None,
    registry: Registry | None = None,
) -> Memory:
    """The bytes that each process and device holds, told without torch and before anything is made.

    What the loss makes is not in it, but for the gradients of the model's outputs.

    Args:
        spec: a Spec, a Plan, or the path of a file.
        batch: the first size of the first input, of one process.
        sizes: the values of the input's other named sizes.
        dtype: of parameters, buffers and activations.
        optimizer: one of ``sgd``, ``sgd_momentum``, ``rmsprop``, ``adagrad``, ``adam``, ``adamw``;
            None is none. Gradients are made in each step anew, as ``zero_grad`` frees them.
        placement: a placement document: a file, a text with a line break, or a dict.
        ranks: how many processes there are: fills up the axis of the mesh that is ``auto``.
        training: False is a forward pass under ``torch.no_grad()``.
        device: where layers go that say none; on a cpu optimizers are not ``foreach``.
        foreach: whether the optimizer computes with lists of tensors; None is torch's choice.

    Raises:
        SpecError: the spec or the placement is wrong.
        ValueError: a size has no value or one that the model does not take, or there is no such
            dtype or optimizer. TypeError: a Plan comes with a choice that it has made.
    """
    from netspec.accounting import Choices, estimate
    from netspec.accounting.optimizers import OPTIMIZERS
    from netspec.accounting.sizes import batch_name, complete_sizes
    from netspec.placement.document import read_placement, require_ranks

    registry = registry or default_registry()
    _require_device(device, registry)
    _require_one_of("dtype", dtype, FLOATING)
    if optimizer is not None:
        _require_one_of("optimizer", optimizer, OPTIMIZERS)
    planned = _given_plan(spec, variant, params, registry)
    written = None if placement is None else read_placement(placement, ranks)
    if written is not None and ranks is not None:
        require_ranks(written, ranks)
    layout = _laid_out(planned, written, registry)
    values = complete_sizes(planned, batch, sizes or {})
    chosen = Choices(values, batch_name(planned), dtype, optimizer, training, device, foreach)
    return estimate(layout, chosen)


def _laid_out(planned: Plan, placement: Placement | None, registry: Registry) -> Layout:
    """
    Raises:
        SpecError: the placement is wrong.
    """
    from netspec.placement.layout import Layout, Mesh

    if placement is None:
        return Layout(planned, Mesh())
    from netspec.placement.lay_out import lay_out

    found = Diagnostics()
    return _sound(lay_out(planned, placement, registry, found), found)


def _require_device(device: str, registry: Registry) -> None:
    """
    Raises:
        SpecError: the word is no device's, of torch or of a plugin.
    """
    if not devices.is_device(device, registry):
        found = Diagnostic("bad-device", devices.message(device), Location(f"device={device!r}"))
        raise SpecError([found])


def _require_one_of(what: str, given: str, known: Iterable[str]) -> None:
    """
    Raises:
        ValueError: it is none of them.
    """
    if given not in known:
        raise ValueError(f"{what} is {given!r}, but may be {listed(sorted(known), 'or')}")


def _given_plan(
    spec: Spec | Plan | Path, variant: str | None, params: Params | None, registry: Registry
) -> Plan:
    """
    Raises:
        SpecError: the spec is wrong.
        TypeError: a Plan comes with a choice that it has made.
    """
    if not isinstance(spec, Plan):
        return plan(spec, variant=variant, params=params, registry=registry)
    if variant is not None or params:
        raise TypeError("a Plan has its variant and params already: give them to plan()")
    return spec


def _read_placement(placement: Mapping[str, object] | Path | None) -> Placement | None:
    """
    Raises:
        SpecError: it cannot be read, or is no placement.
    """
    from netspec.placement.document import read_placement

    return None if placement is None else read_placement(placement)


def _chosen_weights(weights: WeightsLike | None, placement: Placement | None) -> Weights | None:
    """The weights of the argument, else those of the placement.

    Raises:
        SpecError: the argument cannot be read.
        TypeError: both say weights.
    """
    of_placement = None if placement is None else placement.weights
    if weights is None:
        return of_placement
    if of_placement is not None:
        raise TypeError("the placement says which weights to load: leave out one of the two")
    from netspec.weights import read_weights

    return read_weights(weights)


def _require_one_source(weights: Weights | None, seed: int | None, init: bool) -> None:
    """
    Raises:
        TypeError: all weights come from a file, and are to be fresh, too.
    """
    if weights is not None and not weights.fresh and (seed is not None or not init):
        raise TypeError("weights come from the file: seed and init are of no use")


def _floating_dtype(name: str | None) -> torch.dtype | None:
    """
    Raises:
        ValueError: it is not the name of a floating-point dtype.
    """
    import torch

    if name is None:
        return None
    _require_one_of("dtype", name, FLOATING)
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def _parsed(source: Source, root: Node | None, found: Diagnostics) -> Spec | None:
    """The spec as far as it can be read; None when there is nothing to go on with."""
    return None if root is None else parse(source, root, found)


def _planned(
    spec: Spec,
    registry: Registry | None,
    found: Diagnostics,
    params: Params | None = None,
    prove: bool = False,
) -> Plan | None:
    """The plan, or None when there is an error; all stages run, to find all errors."""
    registry = registry or default_registry()
    report_requirements(spec, found)
    return expand(spec, registry, found, params, Planner(registry, found, prove=prove))


def _checked(
    spec: Spec, registry: Registry | None, found: Diagnostics, prove: bool = False
) -> None:
    """Plans every variant of a spec; one that is all defaults is one too, if it can be."""
    registry = registry or default_registry()
    planner = Planner(registry, found, prove=prove)
    report_requirements(spec, found)
    report_unused_blocks(spec, found)
    if not spec.variants or all(param.is_given for param in spec.params):
        expand(spec, registry, found, planner=planner)
    for number, variant in enumerate(spec.variants):
        if found.is_full:
            return
        # A variant that is too large took seconds to find that out; the next may be as large.
        too_many = planner.walked > MAX_CHECKED
        if too_many or planner.steps > MAX_CHECKED_STEPS or (planner.is_cut and number):
            found.warning(
                "unchecked-variants",
                f"the first {number:,} of {len(spec.variants):,} variants have {planner.walked:,} "
                "layers: the others were not checked"
                if too_many
                else f"the first {number:,} of {len(spec.variants):,} variants take "
                f"{planner.steps:,} steps to plan: the others were not checked",
                variant.span,
                help=[f"check one of them with `--variant {variant.name}`"],
            )
            return
        found.context.append((f"in the variant {variant.name}", None))
        try:
            expand(spec.with_variant(variant), registry, found, planner=planner)
        finally:
            found.context.pop()


def _chosen(spec: Spec, variant: str | None, found: Diagnostics) -> Spec:
    """The spec of a variant; an unknown one is reported."""
    if variant is None:
        return spec
    for known in spec.variants:
        if known.name == variant:
            return spec.with_variant(known)
    names = [known.name for known in spec.variants]
    found.error(
        "unknown-variant",
        f"the spec has no variant {variant!r}",
        spec.origin.reserved("variants"),
        help=[suggestion(variant, names, f"it has {listed(names[:20]) or 'none'}", None)],
    )
    return spec


def _read(spec: Spec | None, variant: str | None, found: Diagnostics) -> Spec:
    return _sound(None if spec is None else _chosen(spec, variant, found), found)


def _sound(value: T | None, found: Diagnostics) -> T:
    """The value of a stage that found no error."""
    if value is None or found.failed:
        raise SpecError(found.all())
    return value
