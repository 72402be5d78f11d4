"""Hand-written torch beside itself: how far two equal things differ in this run."""

from __future__ import annotations

from bench.peers.peer import Peer, Way
from bench.peers.rows import ROWS


def peer(command: str) -> Peer:
    ways = tuple(Way(key, "the noise", row.by_hand) for key, row in ROWS.items())
    return Peer("by hand again", "torch", ways, {})
