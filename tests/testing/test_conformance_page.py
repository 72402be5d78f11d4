"""The snippets of docs/conformance.md pass for a small plugin, and its laws are the kit's."""

import os
import re
import subprocess
import sys
from pathlib import Path

from netspec import layers
from netspec.testing import conformance

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "conformance.md").read_text("utf-8")

PLUGIN = '''
from netspec.plugin import Output, TensorType, hookimpl, layer

@layer("netspec_mylayers.modules.Scaled")
def scaled(input: TensorType, *, factor: float = 2.0) -> Output:
    """Multiplies ``(*)``."""
    input.require_floating("scaled")
    return Output(input.shape)

@hookimpl
def netspec_layers():
    return [scaled]
'''
MODULES = """
from torch import nn

class Scaled(nn.Module):
    def __init__(self, factor=2.0, device=None):
        super().__init__()
        self.factor = factor

    def forward(self, input):
        if not input.is_floating_point():
            raise TypeError("floating-point numbers only")
        return input * self.factor
"""


def test_the_snippets_are_the_tests_of_a_plugin(tmp_path: Path) -> None:
    package = tmp_path / "netspec_mylayers"
    package.mkdir()
    for name, text in (("__init__", ""), ("plugin", PLUGIN), ("modules", MODULES)):
        (package / f"{name}.py").write_text(text, "utf-8")
    snippets = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for number, text in enumerate(snippets):
        (tmp_path / f"test_{number}.py").write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(tmp_path)],
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)])),
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(snippets) == 2
    assert done.returncode == 0, done.stdout + done.stderr
    assert "22 passed" in done.stdout


def test_every_law_is_on_the_page() -> None:
    laws = {name for name in vars(conformance(layers)) if name.startswith("test_")}
    assert laws == set(re.findall(r"^\| `(test_\w+)` \|", PAGE, re.MULTILINE))
