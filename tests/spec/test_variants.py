"""Params and variants: how they are given, chosen and refused."""

from __future__ import annotations

import pytest

import netspec

TEXT = """\
netspec: 1
params:
  width: 8
  hidden: $(width * 2)
  depths:
variants:
  small: {depths: [1, 2]}
  wide: {depths: [1], width: 16}
input: [N, $width]
layers:
  - each: {in: $depths, as: n, layers: [{repeat: $n, linear: $hidden}]}
"""


def refused(**given: object) -> list[tuple[str, str]]:
    with pytest.raises(netspec.SpecError) as error:
        netspec.plan(netspec.loads(TEXT), **given)  # type: ignore[arg-type]
    return [(d.code, " ".join(d.help)) for d in error.value.diagnostics]


def test_a_variant_gives_values_and_its_name() -> None:
    plan = netspec.plan(netspec.loads(TEXT, variant="wide"))
    assert plan.name == "wide"
    assert str(plan.output_shape) == "(N, 32)"
    assert [row.path for row in netspec.plan(netspec.loads(TEXT), variant="small").layers] == [
        "0.0",
        "1.0",
        "1.1",
    ]


def test_params_come_over_the_variant_and_later_defaults_use_them() -> None:
    plan = netspec.plan(netspec.loads(TEXT), variant="wide", params={"width": 3, "depths": [2]})
    assert [row.output_shape[1] for row in plan.layers] == [6, 6]


def test_a_chosen_variant_is_a_spec_of_its_own() -> None:
    spec = netspec.loads(TEXT, variant="wide")
    assert not spec.variants
    assert netspec.loads(spec.to_yaml()) == spec
    assert netspec.loads(netspec.loads(TEXT).to_yaml()) == netspec.loads(TEXT)


def test_what_is_not_there_is_said() -> None:
    assert refused(variant="wider") == [("unknown-variant", "did you mean wide?")]
    assert refused(variant="wide", params={"widht": 3}) == [
        ("unknown-param", "did you mean width?")
    ]
    assert refused() == [("missing-param", "choose a variant: small or wide")]


def test_check_looks_at_every_variant() -> None:
    found = netspec.check(TEXT.replace("[1], width: 16", "[x], width: 16"))
    assert [d.code for d in found] == ["bad-value"]
    assert found[0].notes[-1].message == "in the variant wide"
    assert netspec.check(TEXT) == []
