"""Command line of the demo: ``python -m examples.demo`` from the repository's root.

Only the standard library is imported here, so that ``--help`` is quick and a missing package
is a message.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from .failure import DemoError

SPECS_FOLDER = Path(__file__).resolve().parents[2] / "specs"
DEFAULTS = {  # by data set: the spec and the number of epochs
    "digits": ("digits_cnn.yaml", 12),
    "fashion-mnist": ("fashion_mnist_mlp.yaml", 5),
}
PACKAGES = {  # by data set: the modules that are needed, and what pip calls them
    "digits": {"torch": "torch", "sklearn": "scikit-learn"},
    "fashion-mnist": {"torch": "torch", "torchvision": "torchvision"},
}
ALWAYS = {"matplotlib": "matplotlib", "tqdm": "tqdm"}

EXAMPLES = """\
examples:
  1,797 digits, no network needed:
    python -m examples.demo
  another model on the same images:
    python -m examples.demo --spec my_model.yaml
  the PyTorch tutorial's images and model:
    python -m examples.demo --data fashion-mnist
  a quick try on the CPU:
    python -m examples.demo --epochs 3 --device cpu --picture /tmp/demo.png
"""


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def seed(text: str) -> int:
    """A whole number from 0 to 2**32 - 1, for argparse."""
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 2**32 - 1")
    return number


def parser() -> argparse.ArgumentParser:
    """What can be written on the command line."""
    options = argparse.ArgumentParser(
        prog="python -m examples.demo",
        description="Builds a PyTorch model from a YAML spec, shows it,\n"
        "trains it on real images and saves a picture of its predictions.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = options.add_argument
    add("--data", choices=sorted(DEFAULTS), default="digits", help="the images (default: digits)")
    add("--data-dir", type=Path, default=Path("data"), metavar="PATH",
        help="folder of downloaded images (default: data)")  # fmt: skip
    add("--spec", type=Path, metavar="PATH", help="the model (default: one that fits the images)")
    add("--epochs", type=positive, metavar="N",
        help="times that training sees every image (default: 12, fashion-mnist: 5)")  # fmt: skip
    add("--batch-size", type=positive, default=64, metavar="N",
        help="images in one training step (default: 64)")  # fmt: skip
    add("--seed", type=seed, default=0, metavar="N",
        help="start of all random numbers (default: 0)")  # fmt: skip
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    add("--picture", type=Path, default=Path("demo.png"), metavar="PATH",
        help="where the picture is saved (default: demo.png)")  # fmt: skip
    return options


def require_packages(data: str) -> None:
    """Raise a DemoError that names the packages that are missing."""
    needed = PACKAGES[data] | ALWAYS
    missing = [package for module, package in needed.items() if find_spec(module) is None]
    if missing:
        raise DemoError(
            f"the demo needs packages that are not installed: {', '.join(missing)}\n"
            "Install them with:  pip install 'netspec[demo]'"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit status is 0, 2 when something stops it, 130 after Ctrl-C."""
    options = parser().parse_args(arguments)
    spec_name, epochs = DEFAULTS[options.data]
    try:
        require_packages(options.data)
        from .steps import Settings, run  # imports torch

        run(
            Settings(
                data=options.data,
                data_dir=options.data_dir,
                spec=options.spec or SPECS_FOLDER / spec_name,
                epochs=options.epochs or epochs,
                batch_size=options.batch_size,
                seed=options.seed,
                device=options.device,
                picture=options.picture,
            )
        )
    except DemoError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
