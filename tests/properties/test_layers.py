"""For every built-in layer: what is planned is what torch does; the tests that plugins get."""

from netspec import layers
from netspec.testing import conformance, not_on_meta, torch_is_lenient

MASKS = "torch looks at the values of masks, to see whether they are causal"
TestLayers = conformance(
    layers,
    tolerance=torch_is_lenient,
    not_on_meta=not_on_meta,
    not_exported={
        "transformer": MASKS,
        "transformer_encoder": MASKS,
        "transformer_decoder": MASKS,
    },
)
