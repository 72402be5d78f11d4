"""The laws that netspec's own layers are held to."""

from netspec.diagnostics import SpecError
from netspec.testing import Case, conformance
from netspec.testing.conformance import is_cheap, out_of_range


def without_values(case: Case, refused: SpecError) -> str | None:
    # Nor does meta look at dtypes; the cpu does, but is not asked about huge numbers.
    is_empty = [*out_of_range(case)] or 0 in case.input.shape or not is_cheap(case)
    return "torch makes weights without values" if is_empty else None


TestLayers = conformance("netspec_gated.plugin", tolerance=without_values)
