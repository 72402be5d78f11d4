"""The norm of all gradients of a distributed model, and their clipping by it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Replicate

#: The dims of a mesh over which the ranks hold parts of a parameter.
Divided = tuple[DeviceMesh, tuple[int, ...]]


def clip_grad_norm_(
    parameters: Iterable[nn.Parameter],
    stages: distributed.ProcessGroup | None,
    max_norm: float,
    *,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale the gradients so that their norm is at most ``max_norm``, and return the old norm.

    Args:
        stages: the ranks that hold the other stages of a pipeline.

    Raises:
        RuntimeError: the norm is not finite, and ``error_if_nonfinite`` is set.
    """
    parameters = list(parameters)
    total = _squares(parameters)
    if stages is not None:
        distributed.all_reduce(total, group=stages)
    norm = total.sqrt()
    if error_if_nonfinite and not bool(norm.isfinite()):
        raise RuntimeError(f"the norm of the gradients is {norm.item()}: they cannot be clipped")
    factor = (max_norm / (norm + 1e-6)).clamp(max=1.0)  # as torch.nn.utils.clip_grad_norm_
    for parameter in parameters:
        if parameter.grad is not None:
            part = _local(parameter.grad)
            part.mul_(factor.to(part.device, part.dtype))
    return norm.float()


def share_overflow(parameters: list[nn.Parameter], device: torch.device) -> None:
    """Where one rank has a gradient that is not finite, give each rank one.

    ``torch.amp.GradScaler`` looks at its own process's gradients alone, and skips the optimizer's
    step on that.
    """
    gradients = [_local(one.grad) for one in parameters if one.grad is not None]
    norms = [torch.linalg.vector_norm(one.to(torch.float32)) for one in gradients]
    is_finite = all(bool(norm.isfinite()) for norm in norms)
    overflow = torch.tensor(0.0 if is_finite else 1.0, device=device)
    distributed.all_reduce(overflow, op=distributed.ReduceOp.MAX)
    if overflow:
        for gradient in gradients:
            gradient.fill_(torch.inf)


def _squares(parameters: list[nn.Parameter]) -> Tensor:
    """The sum of the squares of all gradients of this rank's stage.

    Ranks of one stage have gradients of the same names, so that they add up alike.
    """
    device = next((_local(one).device for one in parameters), torch.device("cpu"))
    sums: dict[Divided | None, Tensor] = {}
    for parameter in parameters:
        if parameter.grad is None:
            continue
        gradient = _summed(parameter.grad)
        over = _divided(gradient)
        so_far = sums.get(over, torch.zeros((), dtype=_wide(device), device=device))
        norm = torch.linalg.vector_norm(_local(gradient).to(torch.float32))
        sums[over] = so_far + norm.to(so_far.device, so_far.dtype).square()
    for over, squares in sums.items():
        if over is not None:
            mesh, dims = over
            for dim in dims:
                distributed.all_reduce(squares, group=mesh.get_group(dim))
    return sum(sums.values(), torch.zeros((), dtype=_wide(device), device=device))


def _summed(gradient: Tensor) -> Tensor:
    """With the sum on each rank, where each has a summand."""
    if not isinstance(gradient, DTensor):
        return gradient
    return gradient.redistribute(
        placements=[Replicate() if one.is_partial() else one for one in gradient.placements]
    )


def _divided(gradient: Tensor) -> Divided | None:
    """How a gradient is divided, which may be otherwise than its parameter is."""
    if not isinstance(gradient, DTensor):
        return None
    dims = [
        dim
        for dim, placement in enumerate(gradient.placements)
        if not isinstance(placement, Replicate)
    ]
    return (gradient.device_mesh, tuple(dims)) if dims else None


def _local(tensor: Tensor) -> Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def _wide(device: torch.device) -> torch.dtype:
    """Sums of many squares want more digits than float32 has, where the device has them."""
    return torch.float32 if device.type == "mps" else torch.float64
