"""A look at the weights of a model that was just built."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

SHOWN = 5
SMALL = 2**14  # values, of tensors that are copied to be looked at together
COPIED = 2**16  # values, after which a copy is looked at


def warn_of_not_finite(model: nn.Module) -> None:
    """Warns of parameters and buffers that hold nan or inf, by their keys."""
    tensors = {
        name: tensor
        for name, tensor in _tensors(model)
        if tensor.is_floating_point() and not tensor.is_meta and tensor.numel()
    }
    suspects = {name: tensor for name, tensor in tensors.items() if tensor.numel() > SMALL}
    if not _are_finite([one for name, one in tensors.items() if name not in suspects]):
        suspects = tensors
    wrong = [name for name, tensor in suspects.items() if not _is_finite(tensor)]
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        warnings.warn(
            f"these weights are not finite: {', '.join(wrong[:SHOWN])}{more}", stacklevel=2
        )


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Each parameter and buffer once, by its first key.

    In one walk: ``named_parameters`` and ``named_buffers`` take as long as the look itself.
    """
    seen: set[int] = set()
    for path, module in model.named_modules():
        for own in (module._parameters, module._buffers):
            for name, tensor in own.items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield f"{path}.{name}" if path else name, tensor


@torch.no_grad()
def _are_finite(tensors: Iterable[Tensor]) -> bool:
    """Many at once, as a look at each small tensor takes as long as to make it.

    In copies that fit into a core's cache: one of all would take as much memory again, and longer.
    """
    together: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
    sizes: Counter[tuple[torch.device, torch.dtype]] = Counter()
    for tensor in tensors:
        kind = tensor.device, tensor.dtype
        together.setdefault(kind, []).append(tensor.flatten())
        sizes[kind] += tensor.numel()
        if sizes[kind] >= COPIED:
            del sizes[kind]
            if not _is_finite(torch.cat(together.pop(kind))):
                return False
    return all(_is_finite(torch.cat(several)) for several in together.values())


@torch.no_grad()
def _is_finite(tensor: Tensor) -> bool:
    """From its least and greatest value, which take no further memory and hand nan on."""
    return bool(torch.isfinite(torch.stack(tensor.aminmax())).all())
