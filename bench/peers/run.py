"""Asks the processes of the peers in turn, and collects what they answer."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

from bench.measure import Line
from bench.peers.environment import PYTHON, ROOT
from bench.peers.mistakes import MISTAKES
from bench.peers.peer import BY_HAND, PEERS
from bench.peers.rows import ROWS

SLOWEST = 30.0  # seconds for one answer; a peer that takes longer is stopped
SLOW = 1.0  # seconds for one sample; what takes longer is measured in a few rounds
FEW = 3


class Measured(NamedTuple):
    """A way of a peer to do a row: its samples, or why there are none."""

    row: str
    peer: str
    how: str
    line: Line | None
    reason: str = ""

    @property
    def label(self) -> str:
        return f"{self.peer}, {self.how}" if self.how else self.peer


class Verdict(NamedTuple):
    """What came of a mistake with a peer: at which stage it was found, and the words."""

    stage: str
    says: str


@dataclass
class Results:
    """Everything of one run; ``names`` are the peers' own, ``verdicts`` by mistake and peer."""

    names: dict[str, str] = field(default_factory=dict)
    measured: list[Measured] = field(default_factory=list)
    verdicts: dict[str, dict[str, Verdict]] = field(default_factory=dict)


class Stopped(Exception):
    """The process of a peer gave no answer: it was too slow, or died."""


class Process:
    """The process of a peer, which is started again after it was stopped."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.about: dict[str, Any] = self.start()

    def start(self) -> dict[str, Any]:
        self.running = subprocess.Popen(
            (str(PYTHON), "-m", "bench.peers.worker", self.name),
            cwd=ROOT,
            # netspec without plugins: netspec-tools looks at each built model.
            env={**os.environ, "KERAS_BACKEND": "torch", "NETSPEC_PLUGINS": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self.answer(2 * SLOWEST)

    def ask(self, **question: object) -> dict[str, Any]:
        """
        Raises:
            Stopped: there is no answer; the process is a new one.
        """
        if self.running.poll() is not None:
            self.start()
        _pipe(self.running.stdin).write(json.dumps(question).encode() + b"\n")
        _pipe(self.running.stdin).flush()
        return self.answer(SLOWEST)

    def answer(self, limit: float) -> dict[str, Any]:
        ready, _, _ = select.select([_pipe(self.running.stdout)], [], [], limit)
        line = _pipe(self.running.stdout).readline() if ready else b""
        if not line:
            self.stop()
            raise Stopped(f"stopped after {limit:g} s" if not ready else "its process died")
        answered: dict[str, Any] = json.loads(line)
        return answered

    def stop(self) -> None:
        self.running.kill()
        self.running.wait()
        for pipe in (self.running.stdin, self.running.stdout):
            with contextlib.suppress(BrokenPipeError):
                _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


@dataclass
class _Case:
    process: Process
    way: int
    row: str
    how: str
    ours: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)
    reason: str = ""
    is_slow: bool = False


def run(versions: dict[str, str], rounds: int) -> Results:
    """All rows and mistakes, with all peers."""
    results = Results()
    processes: dict[str, Process] = {}
    absent: dict[str, str] = {}
    results.names |= PEERS
    for name in (BY_HAND, *PEERS):
        if versions.get(name, "").startswith("does not install"):
            absent[name] = versions[name]
            continue
        try:
            process = Process(name)
        except Stopped as reason:
            absent[name] = f"does not start: {reason}"
            continue
        if "error" in process.about:
            process.stop()
            absent[name] = f"does not start: {process.about['error']}"
            continue
        processes[name] = process
        if name in PEERS:
            results.names[name] = process.about["name"]
    try:
        cases = _measured(list(processes.values()), rounds)
        for key in MISTAKES:
            results.verdicts[key] = {
                name: _verdict(processes[name], key)
                if name in processes
                else Verdict("none", absent[name])
                for name in PEERS
            }
    finally:
        for process in processes.values():
            process.stop()
    for row in ROWS:
        results.measured += [_result(case) for case in cases if case.row == row]
        results.measured += [
            Measured(row, process.about["name"], "", None, process.about["unable"][row])
            for process in processes.values()
            if row in process.about["unable"]
        ]
        results.measured += [
            Measured(row, results.names[name], "", None, reason) for name, reason in absent.items()
        ]
    return results


def _measured(processes: list[Process], rounds: int) -> list[_Case]:
    """One sample of each in turn, round after round; the first round is not kept.

    So a minute in which the machine is busy touches a sample of each, and not one peer's all.
    """
    cases = [
        _Case(process, number, row, how)
        for process in processes
        for number, (row, how) in enumerate(process.about["ways"])
    ]
    cases.sort(key=lambda case: list(ROWS).index(case.row))
    for number in range(rounds + 1):
        print(f"round {number} of {rounds}", flush=True)
        for case in cases:
            if not case.reason and not (case.is_slow and number > FEW):
                _sample(case, keep=number > 0)
    return cases


def _sample(case: _Case, keep: bool) -> None:
    more = {} if keep else {"times": 1}
    try:
        answer = case.process.ask(way=case.way, **more)
    except Stopped as reason:
        # One that has answered before, and does not now, lacks this sample.
        case.reason = "" if case.ours else str(reason)
        return
    if "error" in answer:
        case.reason = answer["error"]
        return
    case.is_slow = case.is_slow or answer["ours"] > SLOW
    if keep:
        case.ours.append(answer["ours"])
        case.reference.append(answer["reference"])


def _result(case: _Case) -> Measured:
    name = case.process.about["name"]
    if case.reason:
        return Measured(case.row, name, case.how, None, case.reason)
    line = Line(name, tuple(case.ours), tuple(case.reference))
    return Measured(case.row, name, case.how, line)


def _verdict(process: Process, key: str) -> Verdict:
    try:
        answer = process.ask(wrong=key)
    except Stopped as reason:
        return Verdict("none", str(reason))
    return Verdict(**answer) if "stage" in answer else Verdict("none", answer["error"])
