"""What is done to whole blocks of layers: activation checkpointing, and compilation."""

from __future__ import annotations

from netspec.placement.layout import Action, Layout, Misplaced
from netspec.placement.strategy import strategy

Patterns = tuple[str, ...]


@strategy("netspec.distributed.blocks.checkpoint", order=30, obvious="layers")
def checkpoint(layout: Layout, /, *, layers: Patterns) -> Layout:
    """What these modules save for backward is computed again when it is needed.

    Chen et al. (2016), "Training Deep Nets with Sublinear Memory Cost",
    https://arxiv.org/abs/1604.06174
    """
    paths = layout.match_all(layers, "layers")
    require_apart(layout, paths, "checkpoint")
    inside = [row.path for path in paths for row in layout.rows(path)]
    changes = {path: layout.placed(path)._replace(is_recomputed=True) for path in inside}
    action = Action("checkpoint", "netspec.distributed.blocks.checkpoint", {"layers": paths})
    return layout.changed(changes).then(action)


@strategy("netspec.distributed.blocks.compile", order=40, obvious="layers")
def compile(layout: Layout, /, *, layers: Patterns, backend: str = "inductor") -> Layout:
    """Each of these modules is compiled by itself, with ``torch.compile``.

    Equal blocks share what was compiled: it takes as long for 80 of them as for one. ``backend``
    is one of ``torch.compiler.list_backends()``.
    https://docs.pytorch.org/tutorials/recipes/regional_compilation.html
    """
    paths = layout.match_all(layers, "layers")
    require_apart(layout, paths, "compile")
    settings = {"layers": paths, "backend": backend}
    return layout.then(Action("compile", "netspec.distributed.blocks.compile", settings))


def require_apart(layout: Layout, paths: tuple[str, ...], word: str) -> None:
    """
    Raises:
        Misplaced: one of the modules is inside another one.
    """
    modules = layout.modules()
    for path in paths:
        outer = next((other for other in paths if path.startswith(f"{other}.")), None)
        if outer is not None:
            raise Misplaced(
                f"{word} is for `{outer}` and again for `{path}`, which is inside of it",
                modules[outer],
                modules[path],
                argument="layers",
                help="write a pattern for one of the two",
            )
