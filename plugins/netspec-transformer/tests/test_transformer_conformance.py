"""The laws that netspec's own layers are held to."""

from hypothesis import strategies as st

from netspec.diagnostics import SpecError
from netspec.plugin import TensorType
from netspec.spec import Value
from netspec.testing import Case, conformance
from netspec.testing.laws import is_cheap, out_of_range
from netspec.testing.strategies import Arguments


def heads(input: TensorType) -> st.SearchStrategy[Arguments]:
    """Heads that share the last size, and the keys of which they share."""
    size = input.shape[-1] if input.shape else 1
    counts = [n for n in (1, 2, 3, 4) if isinstance(size, int) and size % n == 0]
    optional: dict[str | None, st.SearchStrategy[Value]] = {
        "num_kv_heads": st.sampled_from([1, None]),
        "bias": st.booleans(),
        "is_causal": st.booleans(),
    }
    required: dict[str | None, st.SearchStrategy[Value]] = {"num_heads": st.sampled_from(counts)}
    return st.fixed_dictionaries(required, optional=optional)


def experts(input: TensorType) -> st.SearchStrategy[Arguments]:
    """As many experts as are chosen, or more."""
    required: dict[str | None, st.SearchStrategy[Value]] = {
        "hidden_features": st.integers(1, 4),
        "num_experts": st.integers(2, 4),
    }
    optional: dict[str | None, st.SearchStrategy[Value]] = {"top_k": st.integers(1, 3)}
    return st.fixed_dictionaries(required, optional=optional)


def torch_is_lenient(case: Case, refused: SpecError) -> str | None:
    """Why torch takes what netspec refuses."""
    message = " ".join(found.message for found in refused.diagnostics)
    if [*out_of_range(case)] or 0 in case.input.shape:
        return "torch makes weights without values, and does not look at what has none"
    if not is_cheap(case):
        return "meta looks at few arguments, and the cpu is not asked about huge sizes"
    if case.layer.name == "rotary_embedding" and "floating-point" in message:
        return "torch turns whole numbers, and gives whole numbers"
    return None


TestLayers = conformance(
    "netspec_transformer.plugin",
    tolerance=torch_is_lenient,
    fitting={"grouped_query_attention": heads, "moe_feed_forward": experts},
)
