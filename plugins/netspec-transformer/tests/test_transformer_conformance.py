"""The laws that netspec's own layers are held to."""

from hypothesis import strategies as st
from netspec_transformer.layers.mixture import MOST_EXPERTS

from netspec.diagnostics import SpecError
from netspec.plugin import TensorType
from netspec.spec import Value
from netspec.testing import Case, Drawn, conformance, dtypes
from netspec.testing.laws import is_cheap, out_of_range

Draw = st.DrawFn
Given = tuple[dict[str | None, Value], TensorType]
SMALL = st.integers(1, 4)
BATCH = st.sampled_from([2, 1, 3, 0])
#: The cpu is not asked about larger numbers.
THETAS: st.SearchStrategy[Value] = st.sampled_from([100.0, 1_000, 1])


def leading(draw: Draw) -> tuple[int, ...]:
    """Up to three sizes before the last one, seldom 0."""
    sizes = draw(st.lists(SMALL, max_size=3))
    if sizes:
        sizes[0] = draw(BATCH)
    return tuple(sizes)


@st.composite
def gated(draw: Draw, is_geglu: bool) -> Given:
    optional: dict[str | None, st.SearchStrategy[Value]] = {
        "out_features": st.none() | SMALL,
        "bias": st.booleans(),
    }
    if is_geglu:
        optional["approximate"] = st.sampled_from(["none", "tanh"])
    required: dict[str | None, st.SearchStrategy[Value]] = {"hidden_features": SMALL}
    written = draw(st.fixed_dictionaries(required, optional=optional))
    return written, TensorType((*leading(draw), draw(SMALL)), draw(dtypes()))


@st.composite
def mixture(draw: Draw) -> Given:
    experts = draw(SMALL)
    written: dict[str | None, Value] = {"hidden_features": draw(SMALL), "num_experts": experts}
    if draw(st.integers(0, 3)):
        written["top_k"] = draw(st.sampled_from([*range(1, experts + 1)] * 3 + [experts + 1]))
    return written, TensorType((*leading(draw), draw(SMALL)), draw(dtypes()))


@st.composite
def rotary(draw: Draw) -> Given:
    optional: dict[str | None, st.SearchStrategy[Value]] = {"rope_theta": THETAS}
    written = draw(st.fixed_dictionaries({}, optional=optional))
    size = 2 * draw(SMALL) + draw(st.sampled_from([0] * 9 + [1]))
    dtype = draw(st.sampled_from(["float32", "float64", "float16", "bfloat16", "int64"]))
    return written, TensorType((*leading(draw), draw(SMALL), size), dtype)


@st.composite
def attention(draw: Draw) -> Given:
    kv_heads = draw(st.sampled_from([1, 2, 3]))
    heads = kv_heads * draw(st.sampled_from([1, 2, 3])) + draw(st.sampled_from([0] * 9 + [1]))
    size = draw(st.sampled_from([2, 4, 6, 2, 4, 6, 1]))
    embed_dim = heads * size + draw(st.sampled_from([0] * 9 + [1]))
    required: dict[str | None, st.SearchStrategy[Value]] = {
        "num_heads": st.just(heads),
        "is_causal": st.sampled_from([True, True, True, False]),
    }
    optional: dict[str | None, st.SearchStrategy[Value]] = {
        "num_kv_heads": st.sampled_from([kv_heads] * 4 + [None]),
        "head_dim": st.sampled_from([None, 2, 4, 8, 3]),
        "bias": st.booleans(),
        "dropout": st.sampled_from([0.0, 0.1, 1]),
        "window_size": st.sampled_from([None, 1, 2, 3]),
        "rope_theta": THETAS | st.none(),
    }
    written = draw(st.fixed_dictionaries(required, optional=optional))
    shape = (draw(BATCH), draw(st.sampled_from([3, 1, 2, 5, 0])), embed_dim)
    return written, TensorType(shape, draw(dtypes()))


CASES: dict[str, st.SearchStrategy[Drawn]] = {
    "swiglu": gated(False),
    "geglu": gated(True),
    "moe_feed_forward": mixture(),
    "rotary_embedding": rotary(),
    "grouped_query_attention": attention(),
}


def torch_is_lenient(case: Case, refused: SpecError) -> str | None:
    """Why torch takes what netspec refuses."""
    message = " ".join(found.message for found in refused.diagnostics)
    experts = case.arguments.get("num_experts")
    if isinstance(experts, int) and experts > MOST_EXPERTS:
        return "torch makes as many experts as fit into memory"
    if [*out_of_range(case)] or 0 in case.input.shape:
        return "torch makes weights without values, and does not look at what has none"
    if not is_cheap(case):
        return "meta looks at few arguments, and the cpu is not asked about huge sizes"
    if case.layer.name == "rotary_embedding" and "floating-point" in message:
        return "torch turns whole numbers, and gives whole numbers"
    return None


TestLayers = conformance(
    "netspec_transformer.plugin", cases=CASES, tolerance=torch_is_lenient, max_examples=40
)
