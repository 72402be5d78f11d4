"""The layers of netspec's own plugins, so that a spec that uses one says what to install."""

from __future__ import annotations

#: By package; a test compares them with what the packages list.
KNOWN = {
    "netspec-einops": ("ein_mix", "rearrange", "reduce"),
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


def package_of(name: str) -> str:
    """The package that has a layer of that name, as ``transformer.swiglu`` or ``swiglu``."""
    plugin, _, layer = name.rpartition(".")
    for package, layers in KNOWN.items():
        if layer in layers and plugin in ("", package.removeprefix("netspec-")):
            return package
    return ""
