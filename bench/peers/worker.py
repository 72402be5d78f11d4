"""The process of one peer: it answers the questions of ``bench.peers.run``, a line of JSON each.

Each peer has a process of its own, so that neither what it imports and patches nor how it fails
touches another; the hand-written torch that it is compared with alternates with it in there.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import torch

from bench.measure import Work, seconds
from bench.peers.mistakes import MISTAKES
from bench.peers.peer import Attempt, Peer, Way, peer
from bench.peers.rows import ROWS, THREADS

Reply = dict[str, Any]

LONGEST = 160  # characters of a message that are shown
COLOURS = re.compile("\x1b\\[[0-9;]*m")


class Served:
    """What a peer can do, prepared as far as it was asked for."""

    def __init__(self, name: str) -> None:
        self.marker = Path(tempfile.mkdtemp(), "ran")
        self.peer: Peer = peer(name, f"touch {self.marker}")
        self.works: dict[int, Work] = {}
        self.references: dict[str, Work] = {}

    def about(self) -> Reply:
        ways = [(way.row, way.how) for way in self.peer.ways]
        return {"name": self.peer.name, "ways": ways, "unable": dict(self.peer.unable)}

    def sample(self, number: int, times: int | None) -> Reply:
        """Seconds of a way and of its reference, one after the other.

        Both begin with a collected heap: a full collection takes longer than building 1,000 layers,
        and would fall on one of the two as their turns happen to be. Within a sample the collector
        runs as in any program.
        """
        way = self.peer.ways[number]
        work, reference = self.prepared(number), self.references[way.row]
        times = times or way.times or ROWS[way.row].times
        taken = []
        for each in (work, reference):
            gc.collect()
            taken.append(seconds(each, times))
        return {"ours": taken[0], "reference": taken[1]}

    def prepared(self, number: int) -> Work:
        way = self.peer.ways[number]
        if number not in self.works:
            if way.row not in self.references:
                self.references[way.row] = ROWS[way.row].by_hand()
                self.references[way.row]()
            self.works[number] = way.prepare()
            self.compare(way, self.works[number]())
        return self.works[number]

    def compare(self, way: Way, ours: Any) -> None:
        """Whether the two make the same thing.

        Raises:
            AssertionError: they do not.
        """
        if way.row in ("mlp", "build"):
            assert _sizes(ours) == _sizes(self.references[way.row]()), "other parameters"
        if way.row == "forward":
            theirs: Any = self.references[way.row]()
            assert torch.allclose(ours, theirs, atol=1e-5), "another output"

    # ---- mistakes

    def wrong(self, key: str) -> Reply:
        """What the peer says of a mistake: at which stage, with the first line of its message."""
        attempt = self.peer.attempts[key]
        if isinstance(attempt, str):
            return {"stage": "none", "says": attempt}
        self.marker.unlink(missing_ok=True)
        reply = self.tried(key, attempt)
        if self.marker.exists():
            return {"stage": "ran", "says": "runs the command that the file names"}
        if attempt.note:
            reply["says"] += f" ({attempt.note})"
        reply["says"] = reply["says"].replace(str(self.marker), "ran")
        return reply

    def tried(self, key: str, attempt: Attempt) -> Reply:
        mistake = MISTAKES[key]
        model = output = None
        stages: list[tuple[str, Callable[[], Any]]] = []
        if attempt.check is not None:
            stages.append(("checked", attempt.check))
        stages.append(("built", attempt.build))
        for stage, step in stages:
            try:
                model = step()
            except Exception as problem:
                return {"stage": stage, "says": said(problem)}
            if stage == "checked" and model:
                return {"stage": stage, "says": _beginning(model)}
        try:
            output = model(torch.rand(mistake.input))  # type: ignore[misc]
        except Exception as problem:
            return {"stage": "forward", "says": said(problem)}
        return {"stage": "accepted", "says": mistake.found(model, output)}


def said(problem: BaseException) -> str:
    """The error's class and the beginning of its message, or of the one that it wraps."""
    text: str = getattr(problem, "problem", None) or str(problem)  # PyYAML's has a preamble
    text = text.rpartition("Exception encountered: ")[2]  # Keras'
    return f"{problem.__class__.__name__}: {_beginning(text)}"


def _beginning(text: str) -> str:
    line = " ".join(COLOURS.sub("", text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def _sizes(model: Any) -> list[tuple[int, ...]]:
    """Of all parameters; Keras has a matrix the other way round, and another order."""
    return sorted(tuple(sorted(parameter.shape)) for parameter in model.parameters())


def main() -> int:
    answers = os.fdopen(os.dup(1), "w")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)  # where a peer's own printing goes
    torch.set_num_threads(THREADS)
    try:
        served = Served(sys.argv[1])
    except Exception as problem:
        _answer(answers, {"error": said(problem)})
        return 1
    _answer(answers, served.about())
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if "wrong" in question:
                reply = served.wrong(question["wrong"])
            else:
                reply = served.sample(question["way"], question.get("times"))
        except Exception as problem:
            reply = {"error": said(problem)}
        _answer(answers, reply)
    return 0


def _answer(answers: TextIO, reply: Reply) -> None:
    answers.write(json.dumps(reply) + "\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
