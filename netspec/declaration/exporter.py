"""What an exporter is: a model or its plan, written into a file of some format."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Exporter(NamedTuple):
    """A format that ``netspec export`` can write.

    ``name`` is what ``--format`` takes, ``suffix`` the end of a file's name that chooses it
    (``.mmd``). ``target`` is the dotted path of the function that writes: ``f(plan, path)``, or
    ``f(model, plan, path)`` where it ``needs`` the model. It raises Refusal for what the format
    cannot hold. netspec writes beside the file and renames, so nothing half-written is left.
    """

    name: str
    suffix: str
    target: str
    needs: Literal["plan", "model"]
    summary: str = ""
