"""What the properties have found, by name."""

import pytest
import torch

import netspec


def errors(layer: str, input: str = "[N, 3, 8, 8]") -> list[str]:
    found = netspec.check(f"netspec: 1\ninput: {input}\nlayers:\n  - {layer}\n")
    return [diagnostic.message for diagnostic in found if diagnostic.severity == "error"]


def conditions(layer: str, input: str) -> list[str]:
    plan = netspec.plan(netspec.loads(f"netspec: 1\ninput: {input}\nlayers:\n  - {layer}\n"))
    return [str(condition) for condition in plan.conditions]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_batch_norm_takes_halves_with_float32_weights(dtype: str) -> None:
    assert errors("batch_norm2d", f"{{shape: [N, 3, 8, 8], dtype: {dtype}}}") == []


def test_batch_norm_takes_no_float64_with_float32_weights() -> None:
    (message,) = errors("batch_norm2d", "{shape: [N, 3, 8, 8], dtype: float64}")
    assert "float64" in message


def test_batch_norm_without_statistics_needs_two_values_per_channel() -> None:
    layer = "batch_norm1d: {track_running_stats: false}"
    assert conditions(layer, "[N, 3]") == ["N >= 2"]
    (message,) = errors(layer, "[1, 3]")
    assert "more than one value per channel" in message


def test_batch_norm_needs_an_eps() -> None:
    (message,) = errors("batch_norm2d: {eps: 0}")
    assert "eps is 0" in message


def test_pools_and_convolutions_need_a_value() -> None:
    assert conditions("adaptive_avg_pool2d: 1", "[C, 8, 8]") == ["C >= 1"]
    assert conditions("max_pool2d: 1", "[N, C, 8, 8]") == ["C >= 1"]


@pytest.mark.parametrize(
    ("layer", "dtype", "words"),
    [
        ("rrelu: {lower: 1.0e+30, upper: .inf}", "float16", "no finite number"),
        ("local_response_norm: {size: 9223372036854775807}", "float32", "at most 2147483647"),
        ("local_response_norm: {size: 2147483648}", "float32", "at most 2147483647"),
    ],
)
def test_numbers_with_which_torch_does_not_compute(layer: str, dtype: str, words: str) -> None:
    (message,) = errors(layer, f"{{shape: [N, 3, 8, 8], dtype: {dtype}}}")
    assert words in message


def test_cross_map_lrn2d_needs_a_channel() -> None:
    assert conditions("cross_map_lrn2d: {size: 3}", "[N, C, 8, 8]") == ["C >= 1"]
    (message,) = errors("cross_map_lrn2d: {size: 3}", "[N, 0, 8, 8]")
    assert "at least one channel" in message


@pytest.mark.parametrize("layer", ["rrelu", "threshold: {threshold: 1.0e+30, value: 0}"])
def test_what_takes_halves(layer: str) -> None:
    assert errors(layer, "{shape: [N, 3], dtype: float16}") == []


@pytest.mark.parametrize(
    ("layer", "input"),
    [
        ("linear: 9223372036854775807", "[N, 2]"),
        ("conv2d: {out_channels: 1, kernel_size: 2147483648, padding: same}", "[N, 1, 1, 1]"),
        ("relu", "[N, 9223372036854775807]"),
        ("flatten", "[9223372036854775807, 2]"),
        ("{repeat: 2, concat: [[], []]}", "[N, 1152921504606846976]"),
    ],
)
def test_what_torch_cannot_count_is_refused(layer: str, input: str) -> None:
    (message,) = errors(layer, input)
    assert "2**63 bytes" in message


def test_the_way_out_keeps_the_stated_multiple() -> None:
    found = netspec.check(
        "netspec: 1\ninput: {shape: [N, C], C: {multiple_of: 3}}\n"
        "layers:\n  - unflatten: {dim: 1, unflattened_size: [-1, 2]}\n"
    )
    assert any("multiple_of: 6" in text for text in found[0].help)


def test_control_characters_beyond_ascii_have_a_place() -> None:
    (found,) = netspec.check("netspec: 1\nname: \x80\n")
    assert (found.code, found.location.line, found.location.column) == ("bad-character", 2, 7)


@pytest.mark.parametrize("pool", ["max_pool2d", "avg_pool2d"])
def test_pools_take_no_numbers_beyond_int32(pool: str) -> None:
    (message,) = errors(f"{pool}: {{kernel_size: 2, stride: {2**31}}}")
    assert "stride is 2147483648" in message
    assert errors(f"{pool}: {{kernel_size: 2, stride: {2**31 - 1}}}") == []


def test_whole_numbers_beyond_int64_are_no_reals() -> None:
    (found,) = netspec.check(f"netspec: 1\ninput: [N, 3]\nlayers:\n  - leaky_relu: {10**21}\n")
    assert found.code == "bad-argument"
    assert found.help == ("write 1e+21",)
    assert errors("leaky_relu: 1e21") == []


@pytest.mark.parametrize("number", ["0x" + "f" * 398, "9" * 401])
def test_numbers_too_long_to_be_written_are_refused(number: str) -> None:
    (message,) = errors(f"linear: {number}", "[N, 2]")
    assert "more than 400 digits" in message or "401 digits" in message


def test_a_tuple_of_one_goes_on_as_its_tensor() -> None:
    """A plain nn.Sequential would hand the tuple to the next child."""
    text = """
netspec: 1
input: [N, 4]
layers:
  - {layers: {a: {linear: 3}}, outputs: [a]}
  - {layers: {a: {linear: 2}}, outputs: {a: a}}
  - relu
"""
    model = netspec.build(netspec.loads(text), device="cpu")
    assert model(torch.rand(2, 4)).shape == (2, 2)


def test_a_dollar_in_an_unknown_argument_is_read_back() -> None:
    spec = netspec.from_dict({"netspec": 1, "input": [1], "layers": [{"block": {"$$": 1}}]})
    assert netspec.loads(spec.to_yaml()) == spec


@pytest.mark.parametrize("keys", [{"let": {}}, {"when": True}])
def test_reserved_keys_that_say_nothing_are_none(keys: dict[str, object]) -> None:
    spec = netspec.from_dict({"netspec": 1, "input": [1], "layers": [{"relu": None, **keys}]})
    assert spec == netspec.from_dict({"netspec": 1, "input": [1], "layers": ["relu"]})


def test_no_variants_are_a_spec_without_variants() -> None:
    assert netspec.check("netspec: 1\ninput: [N, 4]\nvariants: {}\nlayers: [relu]\n") == []
