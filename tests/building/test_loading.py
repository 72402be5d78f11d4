"""Weights from files: the model that was saved, or a diagnostic and no model."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import netspec
from netspec.plugin import LayerType, Output, TensorType, hookimpl, layer

SPECS = Path(__file__).resolve().parents[2] / "specs"
TEXT = """\
netspec: 1
input: [N, 3, 8, 8]
layers:
  conv: {conv2d: {out_channels: 4, kernel_size: 3}}
  norm: batch_norm2d
  body: [relu, flatten, linear: 5]
  head: {linear: 2}
"""


class Positions(nn.Module):
    """Buffers and tensors that are in no file; and a constructor that looks at values."""

    angles: Tensor
    signs: Tensor

    def __init__(self, length: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(length))
        self.steps: list[float] = torch.linspace(0, 1, length).tolist()
        self.register_buffer("angles", torch.arange(length).cos(), persistent=False)
        self.signs = torch.arange(length) % 2 * 2.0 - 1.0

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight + self.angles * self.signs + self.steps[-1]


class NamelessPositions(Positions):
    """The same without a look at values, so that it can be made on meta."""

    def __init__(self, length: int) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(torch.randn(length))
        self.steps = [1.0]
        self.register_buffer("angles", torch.arange(length).cos(), persistent=False)
        self.signs = torch.arange(length) % 2 * 2.0 - 1.0


@layer(f"{__name__}.Positions")
def positions(input: TensorType, *, length: int) -> Output:
    """Adds numbers that are computed."""
    return Output(input.shape, parameters={"weight": (length,)})


@layer(f"{__name__}.NamelessPositions")
def nameless_positions(input: TensorType, *, length: int) -> Output:
    """Adds numbers that are computed."""
    return Output(input.shape, parameters={"weight": (length,)})


class Plugin:
    @hookimpl
    def netspec_layers(self) -> Sequence[LayerType]:
        return positions, nameless_positions


def saved(model: nn.Module, file: Path) -> Path:
    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    if file.suffix == ".safetensors":
        save_file(tensors, file)
    else:
        torch.save(tensors, file)
    return file


def spec(text: str = TEXT) -> netspec.Spec:
    return netspec.loads(text, "model.yaml")


def refused(file: Path, text: str = TEXT, dtype: str | None = None) -> str:
    with pytest.raises(netspec.SpecError) as caught:
        netspec.build(spec(text), device="cpu", weights=file, dtype=dtype)
    codes = {finding.code for finding in caught.value.diagnostics}
    assert codes in ({"bad-weights"}, {"wrong-weights"})
    return str(caught.value)


def findings(weights: object, text: str = TEXT) -> tuple[netspec.Diagnostic, ...]:
    with pytest.raises(netspec.SpecError) as caught:
        netspec.build(spec(text), device="cpu", weights=weights)  # type: ignore[arg-type]
    return caught.value.diagnostics


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_the_model_is_the_one_that_was_saved(suffix: str, tmp_path: Path) -> None:
    model = netspec.build(spec(), device="cpu", seed=0)
    model(torch.randn(5, 3, 8, 8))  # moves the running statistics
    file = saved(model, tmp_path / f"model{suffix}")
    loaded = netspec.build(spec(), device="cpu", weights=file)
    for (name, value), (key, known) in zip(
        loaded.state_dict().items(), model.state_dict().items(), strict=True
    ):
        assert name == key
        assert torch.equal(value, known)
        assert value.dtype == known.dtype
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(loaded.eval()(x), model.eval()(x))


def test_training_does_not_change_the_file(tmp_path: Path) -> None:
    file = saved(netspec.build(spec(), device="cpu", seed=0), tmp_path / "model.safetensors")
    before = file.read_bytes()
    model = netspec.build(spec(), device="cpu", weights=file)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model(torch.randn(4, 3, 8, 8)).sum().backward()
    optimizer.step()
    assert not torch.equal(
        model.get_parameter("head.bias"),
        netspec.build(spec(), device="cpu", weights=file).get_parameter("head.bias"),
    )
    assert file.read_bytes() == before


def shards(model: nn.Module, folder: Path) -> Path:
    """Two files and their index, as Hugging Face writes them."""
    tensors = dict(model.state_dict())
    half = len(tensors) // 2
    weight_map: dict[str, str] = {}
    for number, keys in enumerate(([*tensors][:half], [*tensors][half:]), 1):
        name = f"model-0000{number}-of-00002.safetensors"
        save_file({key: tensors[key] for key in keys}, folder / name)
        weight_map |= dict.fromkeys(keys, name)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}), "utf-8")
    return index


def test_shards_are_read_by_their_index(tmp_path: Path) -> None:
    model = netspec.build(spec(), device="cpu", seed=0).eval()
    loaded = netspec.build(spec(), device="cpu", weights=shards(model, tmp_path)).eval()
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(loaded(x), model(x))


def test_shards_of_torch_save_are_read_by_their_index(tmp_path: Path) -> None:
    """As `save_pretrained(safe_serialization=False)` of Hugging Face writes them."""
    model = netspec.build(spec(), device="cpu", seed=0).eval()
    tensors = model.state_dict()
    places = {name: f"pytorch_model-{at % 2 + 1}-of-2.bin" for at, name in enumerate(tensors)}
    for file in set(places.values()):
        torch.save({k: v for k, v in tensors.items() if places[k] == file}, tmp_path / file)
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}), "utf-8")
    loaded = netspec.build(spec(), device="cpu", weights=index).eval()
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(loaded(x), model(x))


def test_an_index_that_is_wrong_is_refused(tmp_path: Path) -> None:
    index = shards(netspec.build(spec(), device="cpu"), tmp_path)
    stated = json.loads(index.read_text("utf-8"))
    for name, words in (
        ("../secret.safetensors", "is not the name of a .safetensors file beside it"),
        ("none.safetensors", "its shard none.safetensors is not there"),
        ("model-00001-of-00002.safetensors", "extra is not in model-00001-of-00002"),
    ):
        stated["weight_map"]["extra"] = name
        index.write_text(json.dumps(stated), "utf-8")
        assert words in refused(index)
    for text in ("[]", "{", '{"weight_map": [1]}', '{"weight_map": 3}', "[" * 100_000):
        index.write_text(text, "utf-8")
        assert "it is no index of shards" in refused(index)


@pytest.mark.parametrize("name", ["positions", "nameless_positions"])
def test_what_no_file_has_is_computed(name: str, tmp_path: Path) -> None:
    registry = netspec.Registry()
    registry.register(Plugin())
    text = f"netspec: 1\ninput: [N, 6]\nlayers: [[{name}: 6], linear: 2]\n"
    model = netspec.build(spec(text), device="cpu", seed=0, registry=registry)
    file = saved(model, tmp_path / "model.safetensors")
    loaded = netspec.build(spec(text), device="cpu", weights=file, registry=registry)
    x = torch.randn(3, 6)
    assert torch.equal(loaded(x), model(x))


def test_a_tied_parameter_may_be_in_the_file_once(tmp_path: Path) -> None:
    model = netspec.build(SPECS / "gpt2_like.yaml", device="cpu", seed=0).eval()
    tensors = dict(model.state_dict())
    del tensors["lm_head.weight"]
    save_file(tensors, tmp_path / "model.safetensors")
    loaded = netspec.build(
        SPECS / "gpt2_like.yaml", device="cpu", weights=tmp_path / "model.safetensors"
    ).eval()
    assert loaded.get_parameter("lm_head.weight") is loaded.get_parameter("wte.weight")
    tokens = torch.arange(10)[None]
    assert torch.equal(loaded(tokens), model(tokens))
    tensors["lm_head.weight"] = tensors["wte.weight"] + 1
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(netspec.SpecError, match="are one parameter, but differ in the file"):
        netspec.build(
            SPECS / "gpt2_like.yaml", device="cpu", weights=tmp_path / "model.safetensors"
        )


def test_names_that_differ_are_told_with_the_nearest(tmp_path: Path) -> None:
    file = saved(netspec.build(spec(), device="cpu"), tmp_path / "model.safetensors")
    text = refused(file, TEXT.replace("head:", "heads:"))
    assert f"{file}: error: 2 tensors are missing [wrong-weights]" in text
    assert "heads.weight: the file has head.weight" in text
    assert "2 tensors are left over" in text
    wrapped = {f"module.{key}": value for key, value in netspec.build(spec()).state_dict().items()}
    save_file(wrapped, file)
    (finding,) = findings(file)
    assert "10 tensors are missing, 11 left over: their names differ" in finding.message
    assert "the file's names begin with `module.`: `weights={" in finding.help[0]


def test_shapes_that_differ_are_told_with_the_layer(tmp_path: Path) -> None:
    file = saved(netspec.build(spec(), device="cpu"), tmp_path / "model.safetensors")
    text = refused(file, TEXT.replace("head: {linear: 2}", "head: {linear: 3}"))
    assert "2 tensors are of another shape" in text
    assert "head.weight is [2, 5] in the file, [3, 5] here" in text
    assert "`head` is written here (model.yaml:7:10)" in text


def test_dtypes_are_checked_or_cast(tmp_path: Path) -> None:
    model = netspec.build(spec(), device="cpu", seed=0, dtype="bfloat16")
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    file = saved(model, tmp_path / "model.safetensors")
    text = refused(file)
    assert "tensors are of another dtype" in text
    assert "conv.weight is bfloat16 in the file, float32 in the model" in text
    assert "`dtype='bfloat16'` makes the model of it" in text
    for dtype in ("bfloat16", "float32"):
        loaded = netspec.build(spec(), device="cpu", weights=file, dtype=dtype)
        weight = loaded.get_parameter("head.weight")
        assert weight.dtype == getattr(torch, dtype)
        assert torch.equal(weight, model.get_parameter("head.weight").to(weight.dtype))
        assert loaded.get_buffer("norm.num_batches_tracked").dtype == torch.int64
    with pytest.raises(ValueError, match="may be bfloat16, float16, float32 or float64"):
        netspec.build(spec(), dtype="int8")


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    assert "there is no such file" in refused(tmp_path / "none.pt")
    for name in ("broken.safetensors", "broken.pt"):
        (tmp_path / name).write_bytes(b"no weights at all")
        assert f"{name}: error: it cannot be read" in refused(tmp_path / name)
    (tmp_path / "model.h5").write_bytes(b"")
    assert "the name must end with .safetensors" in refused(tmp_path / "model.h5")
    torch.save({"epoch": 3, "state_dict": {}}, tmp_path / "nested.pt")
    text = refused(tmp_path / "nested.pt")
    assert "it holds a mapping with 'epoch' and 'state_dict', not tensors by name" in text
    assert "save the `state_dict` alone" in text


class Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("harm done",)


def test_a_pickle_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"weight": Harm()}, tmp_path / "model.pt")
    said = refused(tmp_path / "model.pt")
    assert "it cannot be read: it holds print, and reading that could run code" in said
    assert "harm" not in capsys.readouterr().out


def test_weights_exclude_what_makes_fresh_ones(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="seed and init are of no use"):
        netspec.build(spec(), weights=tmp_path / "model.pt", seed=0)
    with pytest.raises(TypeError, match="seed and init are of no use"):
        netspec.build(spec(), weights=tmp_path / "model.pt", init=False)


@pytest.mark.parametrize(
    "name", ["unet", "lstm_classifier", "vae", "wavenet_like", "torchvision/googlenet"]
)
def test_whole_specs_are_saved_and_loaded(name: str, tmp_path: Path) -> None:
    path = SPECS / f"{name}.yaml"
    model = netspec.build(path, device="cpu", seed=0)
    file = saved(model, tmp_path / "model.safetensors")
    loaded = netspec.build(path, device="cpu", weights=file)
    for tensor, known in zip(
        (*loaded.parameters(), *loaded.buffers()),
        (*model.parameters(), *model.buffers()),
        strict=True,
    ):
        assert torch.equal(tensor, known)


TWO = "netspec: 1\ninput: [N, 4]\nlayers:\n  - {linear: 4}\n  - {linear: 4}\n"


@pytest.mark.parametrize("dtype", [None, "float64"])
def test_tensors_that_share_memory_become_parameters_of_their_own(
    dtype: str | None, tmp_path: Path
) -> None:
    weight = torch.randn(8, 4)
    shared = {
        "0.weight": weight[:4],
        "1.weight": weight[2:6],  # overlaps the other
        "0.bias": torch.zeros(1).expand(4),
        "1.bias": nn.Parameter(torch.ones(8)[::2]),
    }
    torch.save(shared, tmp_path / "model.pt")
    model = netspec.build(spec(TWO), device="cpu", weights=tmp_path / "model.pt", dtype=dtype)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert all(torch.equal(before[name], shared[name].to(before[name])) for name in shared)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model(torch.randn(3, 4).to(before["0.weight"])).square().sum().backward()
    optimizer.step()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.detach(), before[name] - parameter.grad)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (torch.eye(4).to_sparse(), "a tensor of the layout sparse_coo, not a dense one"),
        (torch.empty(4, 4, device="meta"), "a tensor of the meta device, without values"),
        (3, "a int, not a tensor"),
    ],
)
def test_values_that_no_parameter_can_have_are_refused(
    value: object, problem: str, tmp_path: Path
) -> None:
    torch.save({"0.bias": torch.zeros(4), "1.weight": value}, tmp_path / "model.pt")
    text = refused(tmp_path / "model.pt", TWO)
    assert f"1.weight is {problem}" in text


def test_a_counter_may_be_missing_as_in_torch(tmp_path: Path) -> None:
    model = netspec.build(spec(), device="cpu", seed=0)
    state = model.state_dict()
    del state["norm.num_batches_tracked"]
    plain = dict(state)  # without the versions of modules
    torch.save(plain, tmp_path / "model.pt")
    save_file(plain, tmp_path / "model.safetensors")
    for name in ("model.pt", "model.safetensors"):
        loaded = netspec.build(spec(), device="cpu", weights=tmp_path / name)
        model.load_state_dict(dict(plain))
        assert loaded.get_buffer("norm.num_batches_tracked").item() == 0
    # Of a version that has the counter, torch wants it.
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(RuntimeError, match=r"norm\.num_batches_tracked"):
        model.load_state_dict(state)
    assert "norm.num_batches_tracked is missing" in refused(tmp_path / "model.pt")


def test_the_format_of_old_torch_is_read(tmp_path: Path) -> None:
    model = netspec.build(spec(), device="cpu", seed=0)
    torch.save(model.state_dict(), tmp_path / "m.pth", _use_new_zipfile_serialization=False)
    loaded = netspec.build(spec(), device="cpu", weights=tmp_path / "m.pth").state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())


def test_names_that_are_no_texts_are_refused(tmp_path: Path) -> None:
    for key in (3, (1, 2), None):
        torch.save({"0.weight": torch.zeros(2), key: torch.zeros(2)}, tmp_path / "model.pt")
        assert "as a name, and names are texts" in refused(tmp_path / "model.pt")
    torch.save({"x" * 100_000: torch.zeros(2)}, tmp_path / "model.pt")
    said = refused(tmp_path / "model.pt")
    assert "has 100,000 letters, and may have 1,000" in said
    assert len(said) < 500


def test_a_shard_with_a_long_name_is_refused(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    for name in ("x" * 100_000 + ".safetensors", "a\0.safetensors", "é" * 200 + ".safetensors"):
        index.write_text(json.dumps({"weight_map": {"a": name}}), "utf-8")
        said = refused(index)
        assert "is not the name of a .safetensors file" in said or "is not there" in said
        assert len(said) < 1000


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_file_whose_end_is_missing_is_refused(suffix: str, tmp_path: Path) -> None:
    file = saved(netspec.build(spec(), device="cpu", seed=0), tmp_path / f"model{suffix}")
    whole = file.read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 20):
        file.write_bytes(whole[:size])
        assert "the file's end is missing: save or download it again" in refused(file)
    file.write_bytes(b"")
    assert "the file is empty" in refused(file)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    (tmp_path / "folder.pt").mkdir()
    assert "it is a device, a pipe or a socket" in refused(tmp_path / "pipe.pt")
    assert "it is a folder" in refused(tmp_path / "folder.pt")
    assert "it cannot be read: embedded null" in refused(tmp_path / "a\0.pt")
    assert "it cannot be read: File name too long" in refused(tmp_path / ("a" * 5000 + ".pt"))


def test_compressed_entries_are_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "model.pt")
    with (
        zipfile.ZipFile(tmp_path / "model.pt") as plain,
        zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    assert "its entries are compressed" in refused(tmp_path / "packed.pt")


def test_a_tensor_of_any_size_in_a_small_file_is_not_copied(tmp_path: Path) -> None:
    huge = torch.zeros(1).expand(10**6, 10**6)
    torch.save({"0.weight": huge, "other": huge}, tmp_path / "model.pt")
    said = refused(tmp_path / "model.pt", TWO)
    assert "0.weight is [1000000, 1000000] in the file, [4, 4] here" in said
    assert "other is left over" in said
