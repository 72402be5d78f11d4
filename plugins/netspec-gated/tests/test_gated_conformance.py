"""The laws that netspec's own layers are held to."""

from netspec.diagnostics import SpecError
from netspec.testing import Case, conformance
from netspec.testing.laws import out_of_range


def without_values(case: Case, refused: SpecError) -> str | None:
    is_empty = [*out_of_range(case)] or 0 in case.input.shape
    return "torch makes weights without values" if is_empty else None


TestLayers = conformance("netspec_gated.plugin", tolerance=without_values)
