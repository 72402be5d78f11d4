"""Training a classifier, and what it then says about images it has not seen."""

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm import tqdm

from .data import Examples, batches

LEARNING_RATE = 0.003
LOSS_EVERY = 20  # steps; to ask a GPU for it more often would slow it down


@dataclass(frozen=True)
class Predictions:
    """What a model says about M images: probabilities [M, classes] and the true labels [M]."""

    probabilities: Tensor
    labels: Tensor

    @property
    def accuracy(self) -> float:
        """The part of the images whose most probable class is the true one, 0 to 1."""
        return float((self.probabilities.argmax(dim=1) == self.labels).double().mean())


def input_device(model: nn.Module) -> torch.device:
    """Where the model takes its images: the device of its first parameter."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


@contextmanager
def one_cpu_thread() -> Iterator[None]:
    """Compute on one CPU thread; no difference on a GPU.

    Nets as small as these gain nothing from a second one; on busy cores it took 4 times as long
    (measured). And the numbers do not depend on how many cores a machine has.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_cpu_thread()
def train(model: nn.Module, examples: Examples, *, epochs: int, batch_size: int, seed: int) -> None:
    """Fit ``model``, images [N, C, H, W] -> logits [N, classes], with a progress bar.

    The bar counts training steps. Where there is no terminal it is one line for each epoch.
    """
    torch.manual_seed(seed)  # for dropout; the order of the images has a generator of its own
    loader = batches(examples, batch_size, shuffle_seed=seed)
    steps = epochs * len(loader)
    device = input_device(model)
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=LEARNING_RATE, total_steps=max(steps, 2)
    )
    live = sys.stderr.isatty()
    columns = min(79, shutil.get_terminal_size().columns)
    model.train()
    with tqdm(
        total=steps, unit="step", ncols=columns, file=sys.stderr if live else io.StringIO()
    ) as bar:
        for epoch in range(1, epochs + 1):
            bar.set_description(f"epoch {epoch}/{epochs}", refresh=False)
            total = torch.zeros((), device=device)
            for step, (images, labels) in enumerate(loader, start=1):
                logits = model(images.to(device))
                loss = loss_of(logits, labels.to(logits.device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.detach().to(device)
                if step % LOSS_EVERY == 0 or step == len(loader):
                    bar.set_postfix(loss=f"{float(total) / step:.3f}", refresh=False)
                bar.update()
            if live:
                bar.refresh()
            else:
                print(bar, flush=True)


@one_cpu_thread()
@torch.no_grad()
def predict(model: nn.Module, examples: Examples, *, batch_size: int) -> Predictions:
    """The model's probabilities for all ``examples``; softmax is applied to its logits."""
    device = input_device(model)
    softmax = nn.Softmax(dim=1)
    model.eval()
    pairs = [
        (softmax(model(images.to(device))).cpu(), labels)
        for images, labels in batches(examples, batch_size)
    ]
    probabilities, labels = zip(*pairs, strict=True)
    return Predictions(torch.cat(probabilities), torch.cat(labels))
