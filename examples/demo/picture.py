"""The picture of some predictions: images, predicted classes and their probabilities."""

import io
import logging
import os
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .data import Images
from .failure import DemoError, reason
from .training import Predictions

COLUMNS = 6
PAGE_WIDTH, PAGE_HEIGHT, MARGIN = 10.5, 5.75, 0.3  # inches, as all lengths here
TILE, LABEL, FIRST_ROW = 1.5, 0.65, 0.75
COLUMN_STEP, ROW_STEP = 1.68, 2.55
RIGHT, WRONG, QUIET = "#1a7f37", "#cf222e", "#57606a"

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no note on its first font cache


def check_writable(path: Path) -> None:
    """Raise a DemoError when no picture can be written to ``path``; leaves no trace."""
    if path.exists() and not path.is_file():
        raise DemoError(f"the picture cannot be saved: {path} is not a file")
    _write(path, None)


def save(path: Path, images: Images, predictions: Predictions) -> None:
    """Draw held-out images in two rows, the first ones and the least sure ones, into a PNG."""
    confidence, predicted = predictions.probabilities.max(dim=1)
    count = min(COLUMNS, len(predictions.labels))
    least_sure = confidence.argsort(stable=True)[:count].tolist()
    rows = (
        ("The first held-out images, with the predicted class and its probability", range(count)),
        ("Those that the model is least sure of (green: right, red: wrong)", least_sure),
    )
    figure = Figure(figsize=(PAGE_WIDTH, PAGE_HEIGHT), dpi=120, facecolor="white")
    headline = f"held-out accuracy: {100 * predictions.accuracy:.1f} %"
    _write_text(figure, PAGE_WIDTH / 2, 0.35, headline, fontsize=15, weight="bold", ha="center")
    for row, (title, indices) in enumerate(rows):
        top = FIRST_ROW + row * ROW_STEP
        _write_text(figure, MARGIN, top, title, fontsize=11, color=QUIET)
        for column, index in enumerate(indices):
            left, bottom = MARGIN + column * COLUMN_STEP, PAGE_HEIGHT - top - LABEL - TILE
            axes = figure.add_axes(
                (left / PAGE_WIDTH, bottom / PAGE_HEIGHT, TILE / PAGE_WIDTH, TILE / PAGE_HEIGHT)
            )
            prediction = int(predicted[index]), float(confidence[index])
            _draw(axes, images, index, *prediction)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    _write(path, drawn.getvalue())


def _write_text(figure: Figure, x: float, y: float, text: str, **style: Any) -> None:
    """Text at ``x`` inches from the left and ``y`` from the top."""
    figure.text(x / PAGE_WIDTH, 1 - y / PAGE_HEIGHT, text, va="center", **style)


def _draw(axes: Axes, images: Images, index: int, predicted: int, probability: float) -> None:
    """One image with its predicted class above it, green when right and red when wrong."""
    image, label = images.held_out[index]
    true = int(label)
    axes.imshow(image[0].numpy(), cmap="gray_r", vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])
    colour = RIGHT if predicted == true else WRONG
    for edge in axes.spines.values():
        edge.set(color=colour, linewidth=2)
    text = f"{images.classes[predicted]}   {100 * probability:.1f} %"
    if predicted != true:
        text += f"\ntruly {images.classes[true]}"
    axes.set_title(text, fontsize=10, color=colour, pad=5)


def _write(path: Path, content: bytes | None) -> None:
    """Put ``content`` at ``path`` at once, by a rename; None only tries whether it could be."""
    half_done = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            half_done.write_bytes(content or b"")
            if content is not None:
                os.replace(half_done, path)
        finally:
            half_done.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise DemoError(
            f"the picture cannot be saved as {path}: {reason(error)}\n"
            "Choose a file in a folder that exists and is writable:  --picture PATH"
        ) from error
