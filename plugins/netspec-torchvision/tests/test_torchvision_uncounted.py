"""Work that torch's counter does not know is said to be not counted, in place of 0."""

from types import SimpleNamespace

import netspec
from netspec.plugin import from_class, hookimpl
from netspec.render.table import plan_table, plan_totals
from netspec.render.values import plan_values

TEXT = """
netspec: 1
inputs: {x: [N, 3, 8, 8], offset: [N, 18, 6, 6]}
layers:
  deform: {from: [x, offset], deform_conv2d: {in_channels: 3, out_channels: 4, kernel_size: 3}}
  conv: {conv2d: {out_channels: 2, kernel_size: 1}}
"""


def test_a_deformable_convolution_is_not_counted() -> None:
    registry = netspec.Registry()
    layer = from_class("torchvision.ops.DeformConv2d")
    plugin = SimpleNamespace(netspec_layers=hookimpl(lambda: [layer]))
    registry.register(plugin, name="deform", package="netspec-deform", version="1")
    text = TEXT.replace("deform_conv2d", layer.name)
    plan = netspec.plan(netspec.loads(text), registry=registry)
    assert plan.uncounted == (layer.name,)
    (warning,) = plan.warnings
    assert f"the multiply-adds of {layer.name} are not counted" in warning.message
    assert f"288*N multiply-adds, those of {layer.name} not counted" in plan_totals(plan)
    assert any("not counted" in line for line in plan_table(plan).splitlines() if "deform" in line)
    rows = plan_values(plan)["layers"]
    assert [row["macs"] for row in rows] == [None, "288*N"]
