"""Rotary position embedding."""

import torch
from torch import Tensor, nn


class RotaryEmbedding(nn.Module):
    """Turns pairs of values by angles that grow with the place: ``(*, L, head_dim)`` stays.

    At place ``p``, counted from 0, the values ``i`` and ``i + head_dim / 2`` are turned by
    ``p * rope_theta ** (-2 * i / head_dim)``: the halves are paired, as in Llama's weights of
    Hugging Face. There are no parameters and no buffers: a buffer of angles would lose its digits
    when a model is made bfloat16, and would limit the length.
    Su et al. (2021), "RoFormer", https://arxiv.org/abs/2104.09864

    Raises:
        ValueError: ``head_dim`` is odd, or ``rope_theta`` is less than 1.
    """

    def __init__(self, head_dim: int, rope_theta: float = 10_000.0) -> None:
        super().__init__()
        require_angles(head_dim, rope_theta)
        self.head_dim = head_dim
        self.rope_theta = rope_theta

    def forward(self, input: Tensor) -> Tensor:
        if input.shape[-1] != self.head_dim:
            raise ValueError(f"the last size is {input.shape[-1]}, not head_dim {self.head_dim}")
        return turned(input, *cosines_and_sines(input, input.shape[-2], self.rope_theta))

    def extra_repr(self) -> str:
        return f"{self.head_dim}, rope_theta={self.rope_theta}"


def require_angles(head_dim: int, rope_theta: float) -> None:
    """
    Raises:
        ValueError: no angles can be made of them.
    """
    if head_dim % 2:
        raise ValueError(f"head_dim is {head_dim}, but pairs of values are turned")
    if not rope_theta >= 1:
        raise ValueError(f"rope_theta is {rope_theta}, but must be at least 1")


def cosines_and_sines(input: Tensor, length: int, rope_theta: float) -> tuple[Tensor, Tensor]:
    """Those of the angles, ``(length, input.shape[-1] / 2)``, with the input's dtype and device.

    They are computed in float32 at least: bfloat16 cannot tell places above 256 apart.
    """
    precise = torch.promote_types(input.dtype, torch.float32)
    size = input.shape[-1]
    exponents = torch.arange(0, size, 2, device=input.device).to(precise) / size
    places = torch.arange(length, device=input.device, dtype=precise)
    angles = places[:, None] * (1.0 / rope_theta**exponents)
    return angles.cos().to(input.dtype), angles.sin().to(input.dtype)


def turned(input: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """The input's halves turned; cosines and sines are broadcast against each half."""
    first, second = input.chunk(2, dim=-1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), dim=-1)
