"""What a peer's file tells: how it does each measured task, and how it writes each mistake."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bench.measure import Work


class Way(NamedTuple):
    """One way of a peer to do the task of a row.

    ``prepare`` is not timed, ``prepare()`` is. ``times`` is how many calls make one sample, where
    it is not the row's own number.
    """

    row: str
    how: str
    prepare: Callable[[], Work]
    times: int | None = None


class Attempt(NamedTuple):
    """A mistake as a peer writes it, with the model that it builds from that.

    ``check`` is the peer's own check without a model, and gives its complaint or nothing.
    ``note`` is what to know of this peer's case.
    """

    build: Callable[[], Any]
    check: Callable[[], str | None] | None = None
    note: str = ""


#: By the key of the mistake; a text is why the peer has no way to write it.
Attempts = Mapping[str, Attempt | str]


class Peer(NamedTuple):
    """``package`` is its name in the registry; ``unable`` has a reason for a row it cannot do."""

    name: str
    package: str
    ways: tuple[Way, ...]
    attempts: Attempts
    unable: Mapping[str, str] = {}


#: The packages of the peers in the order of the tables; each key is a module of ``subjects``.
PEERS = {
    "netspec": "netspec",
    "mlnode": "mlnode",
    "kindle": "kindle",
    "config_networks": "config-networks",
    "hydra": "hydra-core",
    "mmengine": "mmengine",
    "keras": "keras",
    "torchinfo": "torchinfo",
}

#: The module of ``subjects`` that is no peer.
BY_HAND = "by_hand"


def peer(name: str, command: str) -> Peer:
    """The peer of this name; ``command`` is what a wrong spec tries to run."""
    found: Peer = importlib.import_module(f"bench.peers.subjects.{name}").peer(command)
    return found
