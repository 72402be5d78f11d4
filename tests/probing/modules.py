"""Modules as people write them, without a thought of netspec."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class MixerBlock(nn.Module):
    """Mixes tokens, then channels: ``(N, T, C)`` keeps its shape."""

    def __init__(self, tokens: int, dim: int, hidden: int = 8) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.tokens = nn.Sequential(nn.Linear(tokens, hidden), nn.GELU(), nn.Linear(hidden, tokens))
        self.channels = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norm(x).transpose(1, 2)).transpose(1, 2)
        mixed: Tensor = x + self.channels(x)
        return mixed


class ConvBlock(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, pool=2) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
        self.norm = nn.BatchNorm2d(out_channels)
        self.pool = nn.MaxPool2d(3, pool, ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.pool(F.relu(self.norm(self.conv(x))))
        return pooled


class PatchTokens(nn.Module):
    def __init__(self, patch: int = 8, dim: int = 8) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, dim, patch, patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.conv(x).flatten(2).transpose(1, 2)
        return torch.cat([self.cls.expand(x.shape[0], -1, -1), tokens], 1)


class Unshuffle(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, 2)


class WindowPad(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, -x.shape[3] % 7, 0, -x.shape[2] % 7))


class Merge(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).flatten(0, 1)


class Attention(nn.Module):
    def __init__(self, dim: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        memory = x if memory is None else memory
        attended: Tensor = self.attention(x, memory, memory, need_weights=False)[0]
        return attended


class Recurrent(nn.Module):
    def __init__(self, dim: int = 8, hidden: int = 4) -> None:
        super().__init__()
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        given: tuple[Tensor, tuple[Tensor, Tensor]] = self.lstm(x)
        return given


class Positions(nn.Module):
    def __init__(self, dim: int = 8, longest: int = 500) -> None:
        super().__init__()
        self.register_buffer("table", torch.zeros(1, longest, dim))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table[:, : x.shape[1]]  # type: ignore[index]


class Nonzero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[x > 0]


class ValueBranch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else x[1:]


class Squeezed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.squeeze(0)


class FeatureNorm(nn.Module):
    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(dim)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        return normed


class TwoSteps(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x[:, ::2], x[:, ::3]], 1)


class Batches(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([one.unsqueeze(0) for one in x])


class LongBranch(nn.Module):
    """Cuts what no probe looks at."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :700] if x.shape[1] > 900 else x


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise Wordless


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class TakesModule(nn.Module):
    def __init__(self, dim: int, make: Callable[[], nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.inner = make()

    def forward(self, x: Tensor) -> Tensor:
        given: Tensor = self.inner(x)
        return given


class NeedsModule(nn.Module):
    def __init__(
        self,
        dim: int,
        make: Callable[[], nn.Module],
        norm: type[nn.Module] = nn.LayerNorm,
        drop: float = 0.5,
    ) -> None:
        super().__init__()
        self.inner, self.norm, self.drop = make(), norm(dim), nn.Dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        given: Tensor = self.drop(self.norm(self.inner(x)))
        return given


class Unhinted(nn.Module):
    def __init__(self, dim) -> None:  # type: ignore[no-untyped-def]
        super().__init__()


class Anything(nn.Module):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__()
