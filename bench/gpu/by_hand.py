"""The measured models as they are written by hand, with torch's own fast kernels."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class LlamaSize(NamedTuple):
    """The params of specs/llama_like.yaml."""

    vocabulary: int
    dim: int
    depth: int
    num_heads: int
    num_kv_heads: int
    hidden: int


class Attention(nn.Module):
    def __init__(self, size: LlamaSize) -> None:
        super().__init__()
        self.heads, self.kv_heads = size.num_heads, size.num_kv_heads
        self.head_dim = size.dim // size.num_heads
        width = self.kv_heads * self.head_dim
        self.q_proj = nn.Linear(size.dim, size.dim, bias=False)
        self.k_proj = nn.Linear(size.dim, width, bias=False)
        self.v_proj = nn.Linear(size.dim, width, bias=False)
        self.o_proj = nn.Linear(size.dim, size.dim, bias=False)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        batch, length, dim = x.shape
        query = self.q_proj(x).view(batch, length, self.heads, self.head_dim)
        key = self.k_proj(x).view(batch, length, self.kv_heads, self.head_dim)
        value = self.v_proj(x).view(batch, length, self.kv_heads, self.head_dim)
        query, key = turned(query, cosines, sines), turned(key, cosines, sines)
        attended = functional.scaled_dot_product_attention(
            query.transpose(1, 2),
            key.transpose(1, 2),
            value.transpose(1, 2),
            is_causal=True,
            enable_gqa=self.kv_heads != self.heads,
        )
        output: Tensor = self.o_proj(attended.transpose(1, 2).reshape(batch, length, dim))
        return output


def turned(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), -1)


class FeedForward(nn.Module):
    def __init__(self, size: LlamaSize) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(size.dim, size.hidden, bias=False)
        self.up_proj = nn.Linear(size.dim, size.hidden, bias=False)
        self.down_proj = nn.Linear(size.hidden, size.dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return output


class DecoderLayer(nn.Module):
    def __init__(self, size: LlamaSize) -> None:
        super().__init__()
        self.self_attn = Attention(size)
        self.mlp = FeedForward(size)
        self.input_layernorm = nn.RMSNorm(size.dim, eps=1e-5)
        self.post_attention_layernorm = nn.RMSNorm(size.dim, eps=1e-5)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cosines, sines)
        output: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return output


class Llama(nn.Module):
    """The angles are computed once for all layers."""

    def __init__(self, size: LlamaSize) -> None:
        super().__init__()
        self.head_dim = size.dim // size.num_heads
        self.embed_tokens = nn.Embedding(size.vocabulary, size.dim)
        self.layers = nn.ModuleList([DecoderLayer(size) for _ in range(size.depth)])
        self.norm = nn.RMSNorm(size.dim, eps=1e-5)
        self.lm_head = nn.Linear(size.dim, size.vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed_tokens(tokens)
        steps = torch.arange(0, self.head_dim, 2, device=x.device, dtype=torch.float32)
        places = torch.arange(tokens.shape[1], device=x.device, dtype=torch.float32)
        angles = (places[:, None] / 10_000.0 ** (steps / self.head_dim))[:, None]
        cosines, sines = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for layer in self.layers:
            x = layer(x, cosines, sines)
        logits: Tensor = self.lm_head(self.norm(x))
        return logits


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, 4 * inner, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * inner)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != 4 * inner:
            conv = nn.Conv2d(inputs, 4 * inner, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(4 * inner))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.relu(self.bn1(self.conv1(x)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        inner += x if self.downsample is None else self.downsample(x)
        output: Tensor = self.relu(inner)
        return output


class ResNet50(nn.Module):
    """As torchvision's, for a machine that does not have it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, depth in enumerate((3, 4, 6, 3)):
            blocks = []
            for number in range(depth):
                inner = 64 * 2**stage
                blocks.append(Bottleneck(channels, inner, 2 if stage and not number else 1))
                channels = 4 * inner
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in (1, 2, 3, 4):
            x = self.get_submodule(f"layer{stage}")(x)
        output: Tensor = self.fc(self.avgpool(x).flatten(1))
        return output


def resnet50() -> nn.Module:
    """torchvision's, where it is."""
    try:
        from torchvision.models import resnet50
    except Exception:  # it may be there and not fit torch
        return ResNet50()
    made: nn.Module = resnet50()
    return made
