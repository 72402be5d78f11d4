"""What netspec's own plugins bring, so that a spec that uses one says what to install."""

from __future__ import annotations

#: Layers and blocks by package; a test compares them with what the packages list.
KNOWN = {
    "netspec-einops": ("ein_mix", "rearrange", "reduce"),
    "netspec-tools": ("mlp_block", "norm_mlp"),
    "netspec-torchvision": (
        "frozen_batch_norm2d",
        "layer_norm2d",
        "multiscale_attention",
        "patch_embed_pad3d",
        "patch_merging_pad",
        "pool_skip",
        "positional_encoding",
        "relative_positional_multi_head_attention",
        "shifted_window_attention",
        "shifted_window_attention3d",
        "shifted_window_attention_v2",
        "squeeze_excitation",
        "stochastic_depth",
        "swap_axes",
        "window_departition",
        "window_partition",
    ),
    "netspec-transformer": (
        "geglu",
        "grouped_query_attention",
        "moe_feed_forward",
        "rotary_embedding",
        "swiglu",
    ),
}

#: The same of what else they bring, by the group that lists it, and the ends of files' names.
FURTHER = {
    "netspec-tools": {
        "initialisers": ("depth_scaled_normal",),
        "exporters": ("mermaid", "torch_export"),
        "commands": ("diff",),
        "suffixes": (".mmd", ".pt2"),
    },
}


def package_of(name: str) -> str:
    """The package that has a layer of that name, as ``transformer.swiglu`` or ``swiglu``."""
    plugin, _, layer = name.rpartition(".")
    for package, layers in KNOWN.items():
        if layer in layers and plugin in ("", package.removeprefix("netspec-")):
            return package
    return ""


def further_package_of(kind: str, name: str) -> str:
    """The package that brings an initialiser, exporter or command of that name, or a suffix."""
    plugin, _, short = ("", "", name) if kind == "suffixes" else name.rpartition(".")
    for package, kinds in FURTHER.items():
        if short in kinds.get(kind, ()) and plugin in ("", package.removeprefix("netspec-")):
            return package
    return ""
