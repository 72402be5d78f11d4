"""Planning works without torch: in a fresh process, sys.modules is looked at."""

import subprocess
import sys
from pathlib import Path

import pytest

import netspec
from netspec.expansion.module_names import TAKEN_NAMES

SPEC = Path(__file__).parents[1] / "specs" / "digits_cnn.yaml"


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, str(SPEC)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "use",
    [
        "netspec.plan(sys.argv[1])",
        "netspec.check(sys.argv[1])",
        "netspec.check('netspec: 1\\ninput: [N, 3]\\nlayers: [linaer: 3]\\n')",
        "netspec.load(sys.argv[1]).to_yaml()",
        "netspec.Builder('N', 3).linear(4).plan()",
        "from netspec.cli.main import main; main(['check', sys.argv[1]])",
        "from netspec.cli.main import main; main(['show', sys.argv[1]])",
        "from netspec.cli.main import main; main(['show', '--json', sys.argv[1]])",
        "from netspec.cli.main import main; main(['layers', 'conv2d'])",
        "from netspec.cli.main import main; main(['plugins'])",
    ],
)
def test_nothing_before_the_build_imports_torch(use: str) -> None:
    out = run(f"import sys, netspec; {use}; print(); print('torch' in sys.modules)")
    assert out.splitlines()[-1] == "False"


def test_importing_netspec_loads_nothing() -> None:
    out = run(
        "import sys, netspec; print([m for m in ('yaml', 'pluggy', 'torch') if m in sys.modules])"
    )
    assert out.strip() == "[]"


def test_what_is_not_a_layer_is_loaded_where_a_layer_is_unknown() -> None:
    text = "netspec: 1\\ninput: [N, 3]\\nlayers: [{}]\\n"
    loaded = "print('netspec.layers.not_layers' in sys.modules)"
    checks = [f"netspec.check('{text.format(name)}'); {loaded}" for name in ("relu", "MSELoss")]
    assert run(f"import sys, netspec; {'; '.join(checks)}").split() == ["False", "True"]


def test_the_public_names_are_there() -> None:
    assert set(netspec.__all__) <= set(dir(netspec))
    for name in netspec.__all__:
        assert getattr(netspec, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = netspec.nothing


def test_the_names_that_torch_refuses_are_known() -> None:
    from torch import nn

    text = "netspec: 1\ninput: [N, 8]\nlayers: [residual: [relu]]\n"
    flow = netspec.build(netspec.loads(text), device="cpu")
    del flow._modules["0"]
    missing = (set(dir(nn.Sequential())) | set(dir(flow))) - TAKEN_NAMES
    # torch.compile adds names with three underscores to the modules that it has seen.
    missing = {name for name in missing if not name.startswith("___")}
    assert not missing, "add these to netspec/expansion/module_names.py"
