"""The laws of the conformance kit leave the process of the tests as it was."""

from __future__ import annotations

import inspect
import logging
import sys
import warnings

import torch

from netspec import layers
from netspec.testing import conformance, not_on_meta, torch_is_lenient


def state() -> list[object]:
    return [
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        logging.root.manager.disable,
        logging.getLogger("torch.__trace").disabled,
        list(warnings.filters),
        sys.stdout,
        sys.stderr,
    ]


def test_each_law_leaves_the_process_as_it_was() -> None:
    kit = conformance(layers, max_examples=2, tolerance=torch_is_lenient, not_on_meta=not_on_meta)
    (dropout,) = (one for one in layers.netspec_layers() if one.name == "dropout")
    laws = [law for name, law in vars(kit).items() if name.startswith("test_")]
    assert len(laws) > 5
    for law in laws:
        arguments = [dropout] if "layer" in inspect.signature(law).parameters else []
        before = state()
        law(kit(), *arguments)
        assert state() == before, law.__name__
