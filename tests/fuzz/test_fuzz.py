"""A hundred mutated documents with fixed seeds; ``python -m tests.fuzz`` makes more."""

from random import Random

import pytest

from tests.fuzz.laws import broken
from tests.fuzz.mutations import mutated

CASES = 120
PER_TEST = 40
BUILT = 8  # of each; building takes most of the time


@pytest.mark.parametrize("first", range(0, CASES, PER_TEST))
def test_mutated_documents(first: int) -> None:
    cases = range(first, first + PER_TEST)
    failures = {case: broken(mutated(Random(case)), build=case < first + BUILT) for case in cases}
    assert {case: what for case, what in failures.items() if what is not None} == {}
