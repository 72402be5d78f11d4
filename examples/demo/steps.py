"""The demo, step by step: what is done, and what is said about it."""

import os
import textwrap
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

import netspec
from netspec.render import plan_table

from . import data, picture
from .data import Images
from .failure import DemoError
from .training import input_device, predict, train

WIDTH = 80


@dataclass(frozen=True)
class Settings:
    """What was chosen on the command line."""

    data: str
    data_dir: Path
    spec: Path
    epochs: int
    batch_size: int
    seed: int
    device: str
    picture: Path


def run(settings: Settings) -> None:
    """Show the model of a spec, train it, and show what it has learnt.

    All that can go wrong is tried before the training, and raises a DemoError.
    """
    picture.check_writable(settings.picture)
    table, model = _build(settings)

    print("netspec demo: a model written in YAML, trained on real images")
    _heading(1, "Device", "The numbers are computed on a GPU where there is one, else on the CPU.")
    print(f"Using {input_device(model).type} device")

    images = data.load(settings.data, settings.data_dir)
    one_batch = _one_batch(images, settings.batch_size)
    _check_fit(settings, model, one_batch, classes=len(images.classes))
    _heading(2, "Images", f"The data set is {images.title}.")
    print(f"{len(images.train):,} images to learn from, {len(images.held_out):,} held out")
    classes = f"{len(images.classes)} classes: {', '.join(images.classes)}"
    print(textwrap.fill(classes, WIDTH, break_on_hyphens=False))
    print(f"shape of a batch: {list(one_batch.shape)}, float32 from 0 (background) to 1")

    spec = _short(settings.spec)
    _heading(3, "Plan", f"{spec} lists the layers; netspec works out what each one gets and gives.")
    print(table)

    _heading(4, "Model", "Built from the plan: ordinary torch.nn modules, nothing around them.")
    print(_wrapped(str(model)))

    _heading(5, "Parameters", "What training changes. The names are those of the spec.")
    _print_parameters(model)

    _heading(6, "Training", f"{settings.epochs} times through the images that it learns from.")
    train(
        model,
        images.train,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        seed=settings.seed,
    )

    _heading(7, "Predictions", "The model is asked about the images that it has never seen.")
    predictions = predict(model, images.held_out, batch_size=settings.batch_size)
    print(f"held-out accuracy: {100 * predictions.accuracy:.1f} %")
    picture.save(settings.picture, images, predictions)
    print(f"picture with some predictions: {_short(settings.picture)}")


def _build(settings: Settings) -> tuple[str, nn.Module]:
    """The plan as a text table, and the model with its weights on the chosen device."""
    try:
        plan = netspec.plan(netspec.load(settings.spec))
        model = netspec.build(plan, device=settings.device, seed=settings.seed)
    except netspec.SpecError as error:
        raise DemoError(f"the model cannot be built\n{error}") from error
    return plan_table(plan, width=WIDTH), model


def _one_batch(images: Images, batch_size: int) -> Tensor:
    """The first held-out images, [N, C, H, W]."""
    batch: Tensor = next(iter(data.batches(images.held_out, batch_size)))[0]
    return batch


def _check_fit(settings: Settings, model: nn.Module, batch: Tensor, *, classes: int) -> None:
    """Raise a DemoError unless the model can learn and turns ``batch`` into [N, classes]."""
    spec, shape = _short(settings.spec), list(batch.shape)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise DemoError(f"{spec} has no parameters that could be trained")
    if input_device(model).type == "meta":
        raise DemoError("the device 'meta' has shapes but no numbers: nothing can be trained there")
    model.eval()  # or batch norm would already take note of these images
    try:
        with torch.no_grad():
            logits = model(batch.to(input_device(model)))
    except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError) as error:
        raise DemoError(
            f"{spec} does not take the images of --data {settings.data},\n"
            f"which come in batches of shape {shape}. torch says:\n"
            f"{textwrap.fill(str(error), WIDTH, initial_indent='  ', subsequent_indent='  ')}"
        ) from error
    wanted = [len(batch), classes]
    if not isinstance(logits, Tensor) or list(logits.shape) != wanted:
        got = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise DemoError(
            f"{spec} gives {got} for a batch of shape {shape};\n"
            f"--data {settings.data} needs {wanted}, one number for each class:\n"
            f"let the last layer be  linear: {classes}"
        )


def _heading(number: int, title: str, sentence: str) -> None:
    print(f"\n{number}. {title}")
    print(textwrap.fill(sentence, WIDTH))
    print()


def _short(path: Path) -> str:
    """The path from the current folder, where that is inside it."""
    absolute = Path(os.path.abspath(path))
    here = Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def _wrapped(text: str) -> str:
    """``text`` with lines of at most 80 columns; the rest of a long one is indented."""
    lines = []
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        lines += textwrap.wrap(
            line.strip(), WIDTH, initial_indent=indent, subsequent_indent=indent + "    "
        ) or [""]
    return "\n".join(lines)


def _print_parameters(model: nn.Module) -> None:
    """A table of all parameters: name, size and number of values."""
    rows = [(name, str(list(p.shape)), p.numel()) for name, p in model.named_parameters()]
    total = sum(numbers for _, _, numbers in rows)
    rows = [("name", "size", 0), *rows, ("total", "", total)]
    names = max(len(name) for name, _, _ in rows)
    sizes = max(len(size) for _, size, _ in rows)
    for name, size, numbers in rows:
        print(f"{name:{names}}  {size:{sizes}}  {f'{numbers:,}' if numbers else 'values':>12}")
