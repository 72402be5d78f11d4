"""Steps on tensors: ``Tensor.mean``, ``permute`` and their like, as modules."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor, nn
from torch.nn import functional


class _Step(nn.Module):
    """A step without state, which prints its arguments."""

    def __init__(self, **arguments: object) -> None:
        super().__init__()
        self._arguments = arguments

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self._arguments.items())


class Mean(_Step):
    """The mean over one or several dims."""

    def __init__(self, dim: int | Sequence[int], keepdim: bool = False) -> None:
        super().__init__(dim=dim, keepdim=keepdim)
        self.dim = [dim] if isinstance(dim, int) else list(dim)
        self.keepdim = keepdim

    def forward(self, input: Tensor) -> Tensor:
        return input.mean(self.dim, keepdim=self.keepdim)


class Permute(_Step):
    """The dims in another order."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__(dims=tuple(dims))
        self.dims = list(dims)

    def forward(self, input: Tensor) -> Tensor:
        return input.permute(self.dims)


class Transpose(_Step):
    """Two dims exchanged."""

    def __init__(self, dim0: int, dim1: int) -> None:
        super().__init__(dim0=dim0, dim1=dim1)
        self.dim0, self.dim1 = dim0, dim1

    def forward(self, input: Tensor) -> Tensor:
        return input.transpose(self.dim0, self.dim1)


class Reshape(_Step):
    """Other sizes after the first, which stays."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__(shape=tuple(shape))
        self.shape = tuple(shape)

    def forward(self, input: Tensor) -> Tensor:
        # torch cannot find the -1 of an empty batch: it is found from a sample.
        known = prod(size for size in self.shape if size != -1)
        missing = prod(input.shape[1:]) // known
        sizes = [missing if size == -1 else size for size in self.shape]
        return input.reshape(input.shape[0], *sizes)


class Select(_Step):
    """One entry along a dim, which goes."""

    def __init__(self, dim: int, index: int) -> None:
        super().__init__(dim=dim, index=index)
        self.dim, self.index = dim, index

    def forward(self, input: Tensor) -> Tensor:
        return input.select(self.dim, self.index)


class Slice(_Step):
    """The entries along a dim from ``start`` to before ``stop``, every ``step``-th."""

    def __init__(self, dim: int, start: int = 0, stop: int | None = None, step: int = 1) -> None:
        super().__init__(dim=dim, start=start, stop=stop, step=step)
        self.dim = dim
        self.slice = slice(start, stop, step)

    def forward(self, input: Tensor) -> Tensor:
        dim = range(input.dim())[self.dim]
        return input[(slice(None),) * dim + (self.slice,)]


class Pad(_Step):
    """``torch.nn.functional.pad``: sides from the last dim on."""

    def __init__(self, pad: Sequence[int], mode: str = "constant", value: float = 0.0) -> None:
        super().__init__(pad=tuple(pad), mode=mode, value=value)
        self.pad, self.mode = list(pad), mode
        self.value = value if mode == "constant" else None

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.pad, self.mode, self.value)


class Chunk(_Step):
    """Equal parts along a dim, as a tuple; a single one is the input."""

    def __init__(self, chunks: int, dim: int = 0) -> None:
        super().__init__(chunks=chunks, dim=dim)
        self.chunks, self.dim = chunks, dim

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, ...]:
        return input if self.chunks == 1 else input.chunk(self.chunks, self.dim)


class Squeeze(_Step):
    """A dim of size 1 goes."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim=dim)
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return input.squeeze(self.dim)


class Unsqueeze(_Step):
    """One more dim of size 1."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim=dim)
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return input.unsqueeze(self.dim)


class Interpolate(_Step):
    """``torch.nn.functional.interpolate``, to a size, by a factor, or to the size of ``like``."""

    def __init__(
        self,
        size: int | tuple[int, ...] | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
    ) -> None:
        super().__init__(
            size=size, scale_factor=scale_factor, mode=mode, align_corners=align_corners
        )
        self.size, self.scale_factor = size, scale_factor
        self.mode, self.align_corners = mode, align_corners

    def forward(self, input: Tensor, like: Tensor | None = None) -> Tensor:
        size = self.size if like is None else like.shape[2:]
        return functional.interpolate(
            input,
            size=size,
            scale_factor=self.scale_factor,
            mode=self.mode,
            align_corners=self.align_corners,
        )


class Exp(nn.Module):
    """``e`` to the power of each value."""

    def forward(self, input: Tensor) -> Tensor:
        return input.exp()


class Abs(nn.Module):
    """Each value without its sign."""

    def forward(self, input: Tensor) -> Tensor:
        return input.abs()
