"""Registries that are loaded lazily, by many threads at once, or when Ctrl-C comes."""

from tests.registry.conftest import InFreshProcess, Install

SLOW = """
    import time
    time.sleep(0.2)  # other threads come while this one imports

    @layer("torch.nn.Identity")
    def {name}(x: TensorType) -> Output:
        return Output(x.shape)

    @hookimpl
    def netspec_layers():
        return [{name}]
"""

TWENTY = """
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
import netspec

spec = netspec.loads("netspec: 1\\ninput: [N, 4]\\nlayers: [slow_one, linear: 3, slow_two]\\n")
shared = [netspec.Registry(installed=True) for _ in range(4)]
begin = Barrier(20)

def work(number):
    registry = None if number % 5 == 4 else shared[number % 5]
    begin.wait()
    try:
        model = netspec.build(spec, device="cpu", seed=0, registry=registry)
    except netspec.SpecError as error:
        return str(error)
    return [list(model.state_dict()), float(model[1].weight.sum())]

with ThreadPoolExecutor(20) as pool:
    found = list(pool.map(work, range(20)))
print(json.dumps(found))
"""


def test_twenty_threads_load_plan_and_build_at_once(
    other_install: Install, other_process: InFreshProcess
) -> None:
    for name in ("slow_one", "slow_two"):
        other_install(f"netspec-{name}", "1.0", SLOW.format(name=name))
    found = other_process(TWENTY)
    assert len(found) == 20
    assert found[0][0] == ["1.weight", "1.bias"]
    assert all(one == found[0] for one in found)


INTERRUPTED = """
import json, builtins
import netspec
builtins.interrupts = 1
registry = netspec.Registry(installed=True)
spec = netspec.loads("netspec: 1\\ninput: [N, 4]\\nlayers: [patient]\\n")
try:
    netspec.plan(spec, registry=registry)
    said = "nothing"
except KeyboardInterrupt:
    said = "interrupted"
print(json.dumps([said, netspec.plan(spec, registry=registry).layers[0].type]))
"""


def test_ctrl_c_while_a_plugin_is_imported_leaves_it_to_the_next_plan(
    other_install: Install, other_process: InFreshProcess
) -> None:
    code = """
    import builtins
    if builtins.interrupts:
        builtins.interrupts -= 1
        raise KeyboardInterrupt

    @layer("torch.nn.Identity")
    def patient(x: TensorType) -> Output:
        return Output(x.shape)

    @hookimpl
    def netspec_layers():
        return [patient]
    """
    other_install("netspec-patient", "1.0", code)
    assert other_process(INTERRUPTED) == ["interrupted", "patient"]


LOUD = """
    print("imported")

    @layer("torch.nn.Identity")
    def loud(x: TensorType) -> Output:
        print("planned")
        return Output(x.shape)

    @hookimpl
    def netspec_layers():
        return [loud]
"""
COMMAND = """
import json, subprocess, sys
open("loud.yaml", "w").write("netspec: 1\\ninput: [N, 4]\\nlayers: [loud]\\n")
command = [sys.executable, "-m", "netspec", "show", "loud.yaml", "--json"]
done = subprocess.run(command, capture_output=True, text=True)
print(json.dumps([json.loads(done.stdout)["layers"][0]["type"], done.stderr.split()]))
"""


def test_what_a_plugin_prints_is_not_in_the_json_of_a_command(
    other_install: Install, other_process: InFreshProcess
) -> None:
    other_install("netspec-loud", "1.0", LOUD)
    type, printed = other_process(COMMAND)
    assert type == "loud"
    assert set(printed) == {"imported", "planned"}
