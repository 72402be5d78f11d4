"""The line that an author writes, for the planted layers; ``test_planted.py`` runs it."""

from hypothesis import settings

from netspec.diagnostics import SpecError
from netspec.testing import Case, conformance

settings.register_profile("planted", derandomize=True, database=None)
settings.load_profile("planted")


def no_channels(case: Case, refused: SpecError) -> str | None:
    if 0 in (*case.input.shape, *case.arguments.values()):
        return "torch makes weights without values"
    return None


TestPlanted = conformance("planted_layers", tolerance=no_channels, max_examples=60)
