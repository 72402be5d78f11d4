"""Plugins found by their entry points: real distributions in a folder, real processes."""

from typing import Any

import pytest

import netspec
from tests.registry.conftest import InFreshProcess, Install
