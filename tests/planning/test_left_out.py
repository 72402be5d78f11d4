"""An item that ``when`` leaves out is not looked at further."""

import pytest

import netspec

HEAD = "netspec: 1\ninput: [N, 63]\nlayers:\n"
#: The skip of a NeRF: h3 is not there before i = 4.
NERF = """\
  - {name: points, from: input}
  - each:
      in: $(range(6))
      as: i
      layers:
        - {when: $(i == 4), from: [points, "h$(i - 1)"], concat: }
        - {name: "h$(i)", linear: 32}
"""


def test_what_it_names_need_not_exist() -> None:
    text = HEAD + NERF
    assert netspec.check(text) == []
    plan = netspec.plan(netspec.loads(text))
    assert [row.arguments["in_features"] for row in plan.layers] == [63, 32, 32, 32, 95, 32]


@pytest.mark.parametrize(
    "item",
    [
        "{when: false, from: nothing, relu: }",
        '{when: $(1 > 2), from: "a$(nothing)", relu: }',
        '{when: false, name: "a$(nothing)", linear: 3}',
        "{when: false, let: {a: $(1 // 0)}, linear: $a}",
        "{when: false, shape: [N, 5], linear: 4}",
        "{when: false, repeat: $nothing, linear: 4}",
    ],
)
def test_nothing_else_of_it_is_looked_at(item: str) -> None:
    text = HEAD + f"  - {item}\n  - linear: 8\n"
    assert netspec.check(text) == []
    assert netspec.plan(netspec.loads(text)).total_params == 64 * 8


def test_the_value_that_it_names_passes_on() -> None:
    layers = "  - {name: a, linear: 4}\n  - linear: 8\n"
    text = HEAD + layers + "  - {name: b, when: false, from: a, relu: }\n  - {from: b, tanh: }\n"
    assert netspec.plan(netspec.loads(text)).layers[-1].inputs[0].shape[-1] == 4


def test_a_when_that_asks_for_the_input_needs_it() -> None:
    (found,) = netspec.check(HEAD + "  - {when: $(in_features > 2), from: nothing, relu: }\n")
    assert found.code == "unknown-reference"
