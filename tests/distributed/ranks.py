"""Runs a function on several real gloo processes; helpers for what they compare."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import tempfile
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

PRELOADED = [
    "torch",
    "torch.distributed.fsdp",
    "torch.distributed.tensor.parallel",
    "torch.distributed.pipelining",
    "netspec.distributed.distribute",
]
SECONDS = 600  # guards against hangs alone: machines may be busy


def on_ranks(count: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What ``work(*arguments)`` gives on each rank, in their order.

    The processes come of a server that has torch imported and has computed nothing: a fork of a
    process that has run a backward pass hangs.

    Raises:
        AssertionError: a rank failed; with its traceback.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "store")
        waiting = []
        for rank in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_run, args=(theirs, rank, count, store, work, arguments), daemon=True
            )
            process.start()
            theirs.close()
            waiting.append((rank, process, ours))
        answers = [_answer(rank, ours) for rank, _, ours in waiting]
        for _, process, _ in waiting:
            process.join(10)
            process.kill()
    failed = [f"rank {rank}: {text}" for rank, (fine, text) in enumerate(answers) if not fine]
    assert not failed, "\n".join(failed)
    return [value for _, value in answers]


def _answer(rank: int, ours: Connection) -> tuple[bool, Any]:
    try:
        if not ours.poll(SECONDS):
            return False, f"it has not answered after {SECONDS} s"
        fine, value = pickle.loads(ours.recv_bytes())
        return bool(fine), value
    except EOFError:
        return False, "it died"


def _run(
    answer: Connection,
    rank: int,
    count: int,
    store: str,
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    import torch
    from torch import distributed

    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count))
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=count
    )
    try:
        # Whole bytes: tensors that are sent as such live no longer than their process.
        answer.send_bytes(pickle.dumps((True, work(*arguments))))
    except BaseException:
        answer.send_bytes(pickle.dumps((False, traceback.format_exc())))
    finally:
        distributed.destroy_process_group()
