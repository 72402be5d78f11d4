"""The package's modules give what torchvision's own give."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from netspec_torchvision import modules
from torch import Tensor, nn
from torchvision.models import maxvit, swin_transformer
from torchvision.models.video import mvit
from torchvision.models.video import swin_transformer as video_swin


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def filled(module: nn.Module) -> nn.Module:
    """With weights that are neither zeros nor ones."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.5)
    return module.eval()


def same_state(ours: nn.Module, theirs: nn.Module) -> None:
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)


@pytest.mark.parametrize(
    ("ours", "theirs", "size", "window", "shift"),
    [
        (modules.ShiftedWindowAttention, swin_transformer.ShiftedWindowAttention,
         (9, 6), (4, 3), (2, 1)),
        (modules.ShiftedWindowAttentionV2, swin_transformer.ShiftedWindowAttentionV2,
         (9, 6), (4, 3), (2, 1)),
        (modules.ShiftedWindowAttention3d, video_swin.ShiftedWindowAttention3d,
         (3, 9, 6), (4, 4, 3), (2, 2, 1)),
    ],
)  # fmt: skip
def test_attention_in_windows(
    ours: type[nn.Module],
    theirs: type[nn.Module],
    size: Sequence[int],
    window: Sequence[int],
    shift: Sequence[int],
) -> None:
    one = ours(8, tuple(window), tuple(shift), 2).eval()
    other = filled(theirs(8, list(window), list(shift), 2))
    same_state(one, other)
    x = random(2, *size, 8)
    assert torch.equal(one(x), other(x))
    assert torch.equal(one(x), one(x)), "the module keeps its lists"


@pytest.mark.parametrize("shape", [(2, 4, 6, 3), (2, 5, 7, 3), (2, 3, 5, 6, 2), (1, 1, 4)])
def test_patch_merging_is_the_pad_a_norm_and_a_linear(shape: tuple[int, ...]) -> None:
    dim, x = shape[-1], random(*shape)
    merging: Any = filled(swin_transformer.PatchMerging(dim))
    pad = modules.PatchMergingPad()
    assert torch.equal(merging.reduction(merging.norm(pad(x))), merging(x))
    merging = filled(swin_transformer.PatchMergingV2(dim))
    assert torch.equal(merging.norm(merging.reduction(pad(x))), merging(x))


@pytest.mark.parametrize("size", [(4, 8, 8), (3, 7, 9), (1, 1, 1)])
def test_patch_embedding_is_the_pad_a_convolution_and_a_norm(size: tuple[int, ...]) -> None:
    embed: Any = filled(video_swin.PatchEmbed3d([2, 4, 4], 3, 8, nn.LayerNorm))
    x = random(2, 3, *size)
    padded = modules.PatchEmbedPad3d((2, 4, 4))(x)
    assert torch.equal(embed.norm(embed.proj(padded).permute(0, 2, 3, 4, 1)), embed(x))


def test_windows_and_grids() -> None:
    x = random(2, 3, 8, 12)
    parts = modules.WindowPartition(4)(x)
    assert torch.equal(parts, maxvit.WindowPartition()(x, 4))
    assert torch.equal(modules.WindowDepartition(4, 2, 3)(parts), x)


@pytest.mark.parametrize("kind", ["window", "grid"])
def test_partition_attention_is_a_chain_of_the_leaves(kind: str) -> None:
    whole: Any = filled(
        maxvit.PartitionAttentionLayer(
            8, 4, 2, kind, (6, 6), 4, nn.GELU, nn.LayerNorm, 0.0, 0.0, 0.0
        )
    )
    p, x = whole.p, random(2, 8, 6, 6)
    y = modules.WindowPartition(p)(x)
    y = whole.partition_swap(y)
    y = y + whole.attn_layer(y)
    y = y + whole.mlp_layer(y)
    y = modules.WindowDepartition(p, 6 // p, 6 // p)(whole.departition_swap(y))
    assert torch.equal(y, whole(x))


ATTENTIONS = [
    ((3, 3, 3), (3, 3, 3), (1, 2, 2), (1, 4, 4), True, False, True),
    ((), (3, 3, 3), (), (1, 2, 2), False, True, False),
    ((1, 1, 1), (), (1, 1, 1), (), True, True, True),
]


@pytest.mark.parametrize("options", ATTENTIONS)
def test_multiscale_attention(options: tuple[Any, ...]) -> None:
    made_with: Any = {"norm_eps": 1e-6}
    ours = modules.MultiscaleAttention((2, 4, 4), 6, 8, 2, *options, **made_with).eval()
    lists = [list(value) if isinstance(value, tuple) else value for value in options]
    theirs: Any = filled(
        mvit.MultiscaleAttention(
            [2, 4, 4], 6, 8, 2, *lists, norm_layer=lambda size: nn.LayerNorm(size, eps=1e-6)
        )
    )
    same_state(ours, theirs)
    x = random(2, 33, 6)
    assert torch.equal(ours(x), theirs(x, (2, 4, 4))[0])
    norms = [module.eps for module in ours.modules() if isinstance(module, nn.LayerNorm)]
    assert set(norms) <= {1e-6}


@pytest.mark.parametrize("proj_after_attn", [False, True])
@pytest.mark.parametrize("channels", [(8, 16), (8, 8)])
def test_a_block_of_mvit_is_made_of_the_leaves(
    proj_after_attn: bool, channels: tuple[int, int]
) -> None:
    config = mvit.MSBlockConfig(2, *channels, [3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 2, 2])
    size = (2, 5, 4)
    block: Any = filled(
        mvit.MultiscaleBlock(list(size), config, True, False, True, proj_after_attn)
    )
    attn_dim = channels[1] if proj_after_attn else channels[0]
    attention = modules.MultiscaleAttention(
        size,
        channels[0],
        attn_dim,
        2,
        (3, 3, 3),
        (3, 3, 3),
        (1, 2, 2),
        (1, 2, 2),
        True,
        False,
        True,
    ).eval()
    same_state(attention, block.attn)
    pool = modules.PoolSkip(size, (1, 2, 2))
    assert not pool.state_dict()

    x = random(2, 41, channels[0])
    norm1 = block.norm1(x)
    has_projection = channels[0] != channels[1]
    skip = block.project(norm1) if has_projection and proj_after_attn else x
    y = pool(skip) + attention(norm1)
    norm2 = block.norm2(y)
    late = block.project(norm2) if has_projection and not proj_after_attn else y
    expected, thw = block(x, size)
    assert torch.equal(late + block.mlp(norm2), expected)
    assert thw == (2, 3, 2)


def test_the_modules_can_be_copied_and_trained() -> None:
    attention = modules.MultiscaleAttention(
        (2, 4, 4), 6, 8, 2, (3, 3, 3), (3, 3, 3), (1, 2, 2), (1, 2, 2), True, False, True, 0.5
    )
    x = random(2, 33, 6)
    copy.deepcopy(attention)(x).sum().backward()
    windows = modules.ShiftedWindowAttention(6, (2, 2), (1, 1), 2, dropout=0.5)
    copy.deepcopy(windows)(random(2, 4, 4, 6)).sum().backward()


def test_what_a_module_is_made_with_is_shown() -> None:
    assert repr(modules.WindowPartition(7)) == "WindowPartition(p=7)"
    assert repr(modules.WindowDepartition(7, 2, 3)) == (
        "WindowDepartition(p=7, h_partitions=2, w_partitions=3)"
    )
    assert repr(modules.PatchEmbedPad3d((2, 4, 4))) == "PatchEmbedPad3d(patch_size=(2, 4, 4))"
    assert "thw=(2, 4, 4)" in repr(modules.PoolSkip((2, 4, 4), (1, 2, 2)))
