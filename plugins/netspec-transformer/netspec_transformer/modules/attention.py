"""Attention in which several heads share their keys and values."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from netspec_transformer.modules.rotary import cosines_and_sines, require_angles, turned


class GroupedQueryAttention(nn.Module):
    """Attention of a sequence to itself, with fewer key heads: ``(N, L, embed_dim)`` stays.

    Each of ``num_kv_heads`` heads of keys and values serves ``num_heads / num_kv_heads`` heads of
    queries, neighbours, as in Llama. ``num_kv_heads`` None is ``num_heads``, and ``head_dim`` None
    is ``embed_dim / num_heads``. With ``is_causal`` no place sees a later one, with
    ``window_size`` only itself and the ``window_size - 1`` before it. With ``rope_theta`` queries
    and keys are turned as by ``RotaryEmbedding``.

    Ainslie et al. (2023), "GQA", https://arxiv.org/abs/2305.13245; the window is that of Jiang et
    al. (2023), "Mistral 7B", https://arxiv.org/abs/2310.06825

    Raises:
        ValueError: the heads cannot be shared equally, a window is not causal, or there are no
            angles.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        num_kv_heads: int | None = None,
        head_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        is_causal: bool = False,
        window_size: int | None = None,
        rope_theta: float | None = None,
    ) -> None:
        super().__init__()
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        if num_heads % num_kv_heads:
            raise ValueError(f"{num_heads} heads cannot share {num_kv_heads} equally")
        if head_dim is None:
            if embed_dim % num_heads:
                raise ValueError(f"embed_dim {embed_dim} is no multiple of {num_heads} heads")
            head_dim = embed_dim // num_heads
        if window_size is not None and (window_size < 1 or not is_causal):
            raise ValueError(f"a window of {window_size} must be positive, and causal")
        if rope_theta is not None:
            require_angles(head_dim, rope_theta)
        if not 0 <= dropout <= 1:
            raise ValueError(f"dropout is {dropout}, but must be from 0 to 1")
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_dim = head_dim
        self.dropout = dropout
        self.is_causal = is_causal
        self.window_size = window_size
        self.rope_theta = rope_theta
        self.q_proj = nn.Linear(embed_dim, num_heads * head_dim, bias)
        self.k_proj = nn.Linear(embed_dim, num_kv_heads * head_dim, bias)
        self.v_proj = nn.Linear(embed_dim, num_kv_heads * head_dim, bias)
        self.o_proj = nn.Linear(num_heads * head_dim, embed_dim, bias)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 3:
            raise ValueError(f"takes (N, L, embed_dim), but the input is {tuple(input.shape)}")
        query, key, value = (
            projection(input).unflatten(-1, (heads, self.head_dim))
            for projection, heads in (
                (self.q_proj, self.num_heads),
                (self.k_proj, self.num_kv_heads),
                (self.v_proj, self.num_kv_heads),
            )
        )
        if self.rope_theta is not None:
            cosines, sines = cosines_and_sines(query, input.shape[1], self.rope_theta)
            angles = cosines[:, None], sines[:, None]  # the same for all heads
            query, key = turned(query, *angles), turned(key, *angles)
        shares = self.num_kv_heads != self.num_heads
        if shares and not self._has_kernel_that_shares(query):
            key, value = (
                heads.repeat_interleave(self.num_heads // self.num_kv_heads, dim=2)
                for heads in (key, value)
            )
            shares = False
        attended = functional.scaled_dot_product_attention(
            query.transpose(1, 2),
            key.transpose(1, 2),
            value.transpose(1, 2),
            attn_mask=self._window(input),
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.is_causal and self.window_size is None,
            enable_gqa=shares,
        )
        output: Tensor = self.o_proj(attended.transpose(1, 2).flatten(2))
        return output

    def _has_kernel_that_shares(self, query: Tensor) -> bool:
        """Whether torch need not copy the shared heads for its kernels.

        On cuda only the flash kernels share; where they cannot be taken, ``enable_gqa`` makes torch
        keep the weights of all pairs, which copied heads do not.
        https://github.com/huggingface/transformers/pull/46960
        """
        if not query.is_cuda:
            return True
        is_half = query.dtype in (torch.float16, torch.bfloat16)
        return is_half and self.window_size is None and self.head_dim <= 256

    def _window(self, input: Tensor) -> Tensor | None:
        """True for the pairs of places that see each other, ``(L, L)``."""
        if self.window_size is None:
            return None
        places = torch.arange(input.shape[1], device=input.device)
        before = places[:, None] - places
        return (before >= 0) & (before < self.window_size)

    def extra_repr(self) -> str:
        parts = [f"num_heads={self.num_heads}", f"num_kv_heads={self.num_kv_heads}"]
        parts += [f"head_dim={self.head_dim}", f"is_causal={self.is_causal}"]
        if self.window_size is not None:
            parts.append(f"window_size={self.window_size}")
        if self.rope_theta is not None:
            parts.append(f"rope_theta={self.rope_theta}")
        if self.dropout:
            parts.append(f"dropout={self.dropout}")
        return ", ".join(parts)
