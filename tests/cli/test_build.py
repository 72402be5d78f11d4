"""``netspec build``: files that others can load, and that no failure harms."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

Run = Callable[..., subprocess.CompletedProcess[str]]

SHAPES = {"up.weight": [16, 8], "up.bias": [16], "down.weight": [2, 16]}
BEFORE = ["model.yaml", "wrong.yaml"]


def shapes(tensors: dict[str, torch.Tensor]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in tensors.items()}


def test_files_that_torch_and_safetensors_load(run: Run) -> None:
    load_file = pytest.importorskip("safetensors.torch").load_file
    done = run("build", "model.yaml", "-o", "m.safetensors", "--seed", "0", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said["output"] == "m.safetensors"
    assert said["tensors"]["up.bias"] == {"shape": [16], "dtype": "float32"}
    loaded = load_file("m.safetensors")
    assert shapes(loaded) == SHAPES

    done = run("build", "model.yaml", "-o", "m.pt", "--seed", "0")
    assert done.returncode == 0
    assert "(down): Linear(in_features=16, out_features=2, bias=False)" in done.stdout
    assert done.stdout.endswith(f"\nm.pt: 3 tensors, {os.path.getsize('m.pt'):,} bytes\n")
    weights = torch.load("m.pt", weights_only=True)
    assert shapes(weights) == SHAPES
    assert all(torch.equal(weights[name], loaded[name]) for name in SHAPES)

    # The same seed gives the same bytes, and --force replaces a file.
    first = Path("m.safetensors").read_bytes()
    refused = run("build", "model.yaml", "-o", "m.safetensors", "--seed", "1")
    assert refused.returncode == 2
    assert "m.safetensors is there already; --force replaces it" in refused.stderr
    assert Path("m.safetensors").read_bytes() == first
    assert run("build", "model.yaml", "-o", "m.safetensors", "--seed=0", "--force").returncode == 0
    assert Path("m.safetensors").read_bytes() == first
    assert sorted(os.listdir()) == ["m.pt", "m.safetensors", *BEFORE]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("nowhere/m.pt", "there is no folder nowhere"),
        ("m.onnx", "must end with .safetensors, .pt or .pth"),
        ("m", "must end with"),
        ("", "must end with"),
        ("a" * 300 + ".pt", "File name too long"),
        ("model.yaml/m.pt", "there is no folder model.yaml"),
        ("pipe.pt", "pipe.pt is a device, a pipe or a socket"),
        ("folder.pt", "folder.pt is a folder"),
    ],
)
def test_a_place_where_nothing_can_be_written(output: str, said: str, run: Run) -> None:
    Path("folder.pt").mkdir()
    os.mkfifo("pipe.pt")
    done = run("build", "model.yaml", "-o", output)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert sorted(os.listdir()) == sorted(["folder.pt", "pipe.pt", *BEFORE])


def test_a_wrong_spec(run: Run) -> None:
    done = run("build", "wrong.yaml", "-o", "m.pt")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("wrong.yaml:4:5: error: reluu is not a layer")
    assert sorted(os.listdir()) == BEFORE


def test_devices_that_are_not_there(run: Run) -> None:
    done = run("build", "model.yaml", "--device", "cuda:99")
    assert done.returncode == 2
    assert done.stderr.startswith("--device cuda:99: error: the device cuda:99 is not there")
    assert "= help: this machine has cpu" in done.stderr
    Path("placed.yaml").write_text(
        "netspec: 1\ninput: [N, 8]\nlayers: [{linear: 4, device: toaster}]\n"
    )
    done = run("build", "placed.yaml")
    assert done.returncode == 1
    assert done.stderr.startswith("placed.yaml:3:30: error: 'toaster' is not the name of a device")


def test_the_meta_device_has_nothing_to_save(run: Run) -> None:
    done = run("build", "model.yaml", "--device", "meta", "-o", "m.pt")
    assert done.returncode == 2
    assert "up.weight is on the meta device" in done.stderr
    assert sorted(os.listdir()) == BEFORE


def _limit_files() -> None:
    """A file that becomes larger cannot be written, as on a full disk."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))


@pytest.mark.skipif(os.name != "posix", reason="needs limits of resources")
@pytest.mark.parametrize("name", ["m.pt", "m.safetensors"])
def test_a_full_disk_leaves_the_old_file(name: str, run: Run) -> None:
    Path("big.yaml").write_text("netspec: 1\ninput: [N, 1000]\nlayers: [linear: 100]\n")
    Path(name).write_bytes(b"old")
    no_cut_byte_code = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    words = ("build", "big.yaml", "-o", name, "--force")
    done = run(*words, preexec_fn=_limit_files, env=no_cut_byte_code)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"netspec: error: cannot write {name}: File too large: the ")
    assert done.stderr.count("\n") == 1
    assert Path(name).read_bytes() == b"old"
    assert sorted(os.listdir()) == sorted(["big.yaml", name, *BEFORE])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_that_may_not_be_written(run: Run) -> None:
    Path("shut").mkdir(mode=0o500)
    done = run("build", "model.yaml", "-o", "shut/m.pt")
    assert done.returncode == 2
    assert "cannot write shut/m.pt: Permission denied: write to a folder in which" in done.stderr


def test_weights_of_a_file_are_checked_and_written_again(run: Run) -> None:
    load_file = pytest.importorskip("safetensors.torch").load_file
    assert run("build", "model.yaml", "-o", "a.safetensors", "--seed", "0").returncode == 0
    done = run(
        "build", "model.yaml", "--weights", "a.safetensors", "--dtype", "bfloat16", "-o", "b.pt"
    )
    assert done.returncode == 0, done.stderr
    first, second = load_file("a.safetensors"), torch.load("b.pt", weights_only=True)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value.to(torch.bfloat16), second[name])
    Path("other.yaml").write_text(Path("model.yaml").read_text().replace("16", "17"))
    done = run("build", "other.yaml", "--weights", "a.safetensors")
    assert done.returncode == 1
    assert "a.safetensors: error: 3 tensors are of another shape" in done.stderr
    assert run("build", "model.yaml", "--weights", "a.safetensors", "--seed", "1").returncode == 2


def test_seeds_by_path(run: Run) -> None:
    Path("more.yaml").write_text(
        Path("model.yaml").read_text().replace("layers:", "layers:\n  first: {linear: 8}")
    )
    for name in ("model", "more"):
        run("build", f"{name}.yaml", "-o", f"{name}.pt", "--seed", "0", "--seed-by", "path")
    model, more = (torch.load(f"{name}.pt", weights_only=True) for name in ("model", "more"))
    assert model.keys() < more.keys()
    assert all(torch.equal(value, more[name]) for name, value in model.items())


def test_tied_weights_are_written_once(run: Run) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    Path("tied.yaml").write_text(
        "netspec: 1\ninput: [N, 4]\ntie: {0.weight: 1.weight, 2.weight: 0.weight}\n"
        "layers: [linear: 4, linear: 4, linear: 4]\n"
    )
    outputs = ("a.safetensors", "b.safetensors", "m.pt")
    for output in outputs:
        done = run("build", "tied.yaml", "-o", output, "--seed", "0")
        assert done.returncode == 0, done.stderr
    assert f"m.pt: 6 tensors, {os.path.getsize('m.pt'):,} bytes\n" in done.stdout
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()
    tensors = safetensors.load_file("a.safetensors")
    assert list(tensors) == ["0.bias", "0.weight", "1.bias", "2.bias"]
    for key in ("0.weight", "1.weight", "2.weight"):
        tensors[key] = tensors.pop(next(name for name in tensors if name.endswith("weight")))
        safetensors.save_file(tensors, "one.safetensors")
        done = run("build", "tied.yaml", "--weights", "one.safetensors", "-o", "n.pt", "--force")
        assert done.returncode == 0, done.stderr
        assert all(
            torch.equal(value, torch.load("n.pt")[name])
            for name, value in torch.load("m.pt").items()
        )
