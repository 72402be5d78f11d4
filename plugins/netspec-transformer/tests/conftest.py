"""Lets the tests run from a checkout too, where the package is not installed."""

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("netspec_transformer") is None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
