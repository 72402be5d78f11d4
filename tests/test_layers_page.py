"""docs/layers.md: it is what the declarations say now, whole, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

from netspec.declaration import LayerType
from netspec.registry import Registry
from netspec.render.reference import anchor, reference

PAGE = (Path(__file__).parents[1] / "docs" / "layers.md").read_text("utf-8")
LAYERS = {name: found.layer for name, found in Registry().layers().items()}


def test_it_is_up_to_date() -> None:
    assert reference() == PAGE, "run `make docs`"


def test_each_layer_has_a_section_and_each_link_a_heading() -> None:
    headings = [anchor(heading) for heading in re.findall("^##+ (.*)$", PAGE, re.M)]
    assert len(headings) == len(set(headings))
    assert set(LAYERS) <= set(headings)
    assert set(re.findall(r"\]\(#(.*?)\)", PAGE)) == set(headings)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_its_description_says_a_shape(layer: LayerType) -> None:
    assert re.search(r"``[(\[].*?[)\]]``|from: name", layer.description)
