"""Attention."""

from typing import Annotated, NamedTuple

from netspec.declaration import (
    Inferred,
    Output,
    Positive,
    Probability,
    TensorType,
    Work,
    at_least,
    last_size,
    layer,
    same,
    same_shape,
)
from netspec.declaration.output import Needs, Shape
from netspec.declaration.refusal import Refusal
from netspec.layers.attention_steps import Names, Sizes, attention
from netspec.sizes import Size, product


@layer("torch.nn.MultiheadAttention", obvious="num_heads")
def multihead_attention(
    query: TensorType,
    key: TensorType,
    value: TensorType,
    key_padding_mask: TensorType | None = None,
    attn_mask: TensorType | None = None,
    *,
    embed_dim: Annotated[Positive, Inferred("the query's last size", last_size)],
    num_heads: Positive,
    dropout: Probability = 0.0,
    bias: bool = True,
    add_bias_kv: bool = False,
    add_zero_attn: bool = False,
    kdim: Annotated[Positive, Inferred("the key's last size", last_size, place=1)],
    vdim: Annotated[Positive, Inferred("the value's last size", last_size, place=2)],
    batch_first: bool = False,
) -> Output:
    """Multi-head attention. Outputs: ``attn_output`` and ``attn_output_weights``.

    A query ``(L, N, embed_dim)``, or ``(N, L, embed_dim)`` with ``batch_first``, or one sequence
    ``(L, embed_dim)`` keeps its shape; keys and values have length ``S``. The weights are
    ``N, L, S``, averaged over the heads.

    ``key_padding_mask`` ``N, S`` is true for ignored keys, ``attn_mask`` ``L, S`` or
    ``N * num_heads, L, S`` for ignored pairs; masks of float32 are added instead. There is no
    ``is_causal``: pass a causal mask as ``attn_mask``, an input of the model.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
    """
    name = "multihead_attention"
    require_sequences(name, batch_first, query=query, key=key, value=value)
    require_heads(embed_dim, num_heads, "num_heads")
    further = int(add_bias_kv) + int(add_zero_attn)
    across = Attention(query, key, embed_dim, num_heads, batch_first, further)
    places = across.places + further
    needs: Needs = ()
    for place, what in enumerate(("places", "batch")[: key.rank - 1]):
        at = 1 - place if batch_first and key.rank == 3 else place
        message = f"key {key} and value {value} of {name} differ in their {what}"
        needs += same(key.shape[at], value.shape[at], message)
    needs += across.same_batch(name, "query", "key")
    needs += Masks(attn_mask, key_padding_mask).needs(name, across)
    needs += at_least(places, 1, f"{name} needs a key to look at, but its key is {key}")
    same_width = embed_dim == kdim == vdim
    parameters = projections(embed_dim, bias, None if same_width else (kdim, vdim), add_bias_kv)
    steps, keys = across.steps, across.key_steps
    rows = product(value.shape[:-1])
    macs = steps * (2 * embed_dim * embed_dim) + (keys * kdim + rows * vdim) * embed_dim
    copies = Attention.is_copied(query, batch_first)
    width = 4 * embed_dim
    kept = steps * (2 * width) + across.all_keys * (2 * width)
    kept = kept + across.weights_kept(dropout)
    saves = ["query"] if not copies else []
    kept = kept + query.nbytes if copies else kept
    for which, given in (("key", key), ("value", value)):
        if Attention.is_copied(given, batch_first):
            kept = kept + given.nbytes
        else:
            saves.append(which)
    return Output(
        query.shape,
        parameters=parameters,
        macs=macs + across.products,
        needs=needs,
        name="attn_output",
        others={"attn_output_weights": TensorType((*across.batch, across.length, places))},
        saves=tuple(saves),
        saved_bytes=kept,
    )


@layer("netspec.modules.attention.SelfAttention", obvious="num_heads")
def self_attention(
    input: TensorType,
    *,
    embed_dim: Annotated[Positive, Inferred("the input's last size", last_size)],
    num_heads: Positive,
    dropout: Probability = 0.0,
    bias: bool = True,
    is_causal: bool = False,
) -> Output:
    """Self-attention by torch.nn.MultiheadAttention. Shape: ``(N, L, E)`` or ``(L, E)``, unchanged.

    With ``is_causal`` positions do not attend to later ones. The parameters have the names of
    MultiheadAttention.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
    """
    require_sequences("self_attention", True, input=input)
    require_heads(embed_dim, num_heads, "num_heads")
    itself = Attention(input, input, embed_dim, num_heads, batch_first=True, is_itself=True)
    needs = at_least(itself.length, 1, f"self_attention needs a sequence, not {input}")
    copied = Attention.is_copied(input, batch_first=True)
    kept = itself.packed_kept(dropout)
    return Output(
        input.shape,
        parameters=projections(embed_dim, bias),
        macs=itself.packed_macs,
        needs=needs,
        saves=() if copied else ("input",),
        saved_bytes=kept + input.nbytes if copied else kept,
        work=_steps(itself, bias, dropout, is_causal, copied) if itself.batch else (),
    )


class Attention(NamedTuple):
    """Queries that meet keys. ``further`` are keys that the layer adds itself.

    ``is_itself`` says that queries and keys are one tensor.
    """

    query: TensorType
    key: TensorType
    embed_dim: int
    num_heads: int
    batch_first: bool
    further: int = 0
    is_itself: bool = False

    @property
    def batch(self) -> tuple[Size, ...]:
        return _batch(self.query, self.batch_first)

    @property
    def length(self) -> Size:
        return _length(self.query, self.batch_first)

    @property
    def places(self) -> Size:
        """The keys that each query meets, without further ones."""
        return _length(self.key, self.batch_first)

    @property
    def steps(self) -> Size:
        """The queries of all sequences."""
        return product(self.query.shape[:-1])

    @property
    def key_steps(self) -> Size:
        return product(self.key.shape[:-1])

    @property
    def all_keys(self) -> Size:
        return self.key_steps + product(self.batch) * self.further

    @property
    def pairs(self) -> Size:
        """The queries times the keys that each meets."""
        return self.steps * (self.places + self.further)

    @property
    def sizes(self) -> Sizes:
        """What its steps make, in bytes."""
        width, heads = 4 * self.embed_dim, 4 * self.num_heads
        query, key, pairs = self.steps * width, self.key_steps * width, self.pairs * heads
        return Sizes(query, key, pairs, self.steps * self.num_heads, self.is_itself)

    @property
    def products(self) -> Size:
        """The multiply-adds of the weights and of the weighted sums."""
        return self.pairs * (2 * self.embed_dim)

    @property
    def packed_macs(self) -> Size:
        """All multiply-adds, where keys are values and as wide as queries."""
        linear = 2 * self.embed_dim * self.embed_dim
        return self.steps * linear + self.key_steps * linear + self.products

    @staticmethod
    def is_copied(given: TensorType, batch_first: bool) -> bool:
        """Whether the steps have to be brought to the front by a copy."""
        return batch_first and given.rank == 3 and 1 not in given.shape[:2]

    def same_batch(self, name: str, one: str, other: str) -> Needs:
        """What has to be true so that both have the same number of sequences."""
        message = f"{one} {self.query} and {other} {self.key} of {name} differ in their batch"
        needs: Needs = ()
        for size, met in zip(self.batch, _batch(self.key, self.batch_first), strict=True):
            needs += same(size, met, message)
        return needs

    def weights_kept(self, dropout: float) -> Size:
        """The bytes of the weights that are kept, with the mask and what it leaves."""
        times = 3 if 0 < dropout < 1 else 2 if dropout else 1
        kept = self.pairs * (4 * self.num_heads * times)
        return kept + 4 if dropout == 1 else kept

    def packed_kept(self, dropout: float) -> Size:
        """The bytes that are kept, but for the inputs, where the weights are not asked for.

        Without dropout one kernel keeps the projections, a number for each row, and its output;
        else the scaled queries and keys and the weights are kept too. Projections of one tensor
        are one tensor, but for sequences without a batch.
        """
        width = 4 * self.embed_dim
        query, key = self.steps * width, self.key_steps * width
        if not dropout:
            return query * 2 + key * 2 + self.steps * (4 * self.num_heads)
        kept = query * 2 + key + self.weights_kept(dropout)
        if not self.batch:
            return kept + key
        return kept + query * 3 if self.is_itself else kept + key * 2


def _steps(
    itself: Attention, bias: bool, dropout: float, is_causal: bool, copied: bool
) -> tuple[Work, ...]:
    """What self-attention computes; a causal mask is there all the time."""
    work = attention(itself.sizes, Names("input", "input", "output"), bias, dropout, copied)
    if not is_causal:
        return tuple(work)
    mask = Work("mask", (), itself.length * itself.length * 4)
    return (mask, *work[:-1], work[-1]._replace(holds=("mask",)))


class Masks(NamedTuple):
    """What queries do not see: ``attn`` says it of each pair, ``padding`` of each key.

    The names are those of the layer's inputs.
    """

    attn: TensorType | None
    padding: TensorType | None
    attn_name: str = "attn_mask"
    padding_name: str = "key_padding_mask"

    def needs(self, layer: str, across: Attention) -> Needs:
        """
        Raises:
            Refusal: a mask has another dtype or rank, or sizes that are not those of the sequences.
        """
        needs: Needs = ()
        pairs = (across.length, across.places)
        if self.attn is not None:
            shape: Shape = pairs
            if self.attn.rank == 3:
                shape = (product(across.batch) * across.num_heads, *pairs)
            needs += _fits(layer, self.attn_name, self.attn, shape, across)
        if self.padding is not None:
            shape = (*across.batch, across.places)
            needs += _fits(layer, self.padding_name, self.padding, shape, across)
        return needs

    def kept(
        self, across: Attention, times: int, is_stack: bool, converts_once: bool
    ) -> tuple[Size, tuple[str, ...]]:
        """The bytes that layers keep of them for backward, and those that are kept themselves.

        That is where the weights are not asked for, and nothing is dropped: bools become float32,
        in each layer or (``converts_once``) before the first. In a stack a causal mask alone is not
        kept, which torch finds in its values; only of one place it is known here.
        """
        attn, padding = self.attn, self.padding
        once = 1 if converts_once else times
        if attn is not None and padding is not None:
            return across.pairs * (4 * across.num_heads * times), ()
        if attn is not None:
            if is_stack and attn.shape == (1, 1):
                return 0, ()
            if attn.dtype == "bool":
                return attn.numel * (4 * once), ()
            return 0, (self.attn_name,)
        if padding is not None:
            if across.num_heads > 1 and across.batch and across.batch[0] != 1:
                return padding.numel * (4 * across.num_heads * times), ()
            if padding.dtype == "bool":
                return padding.numel * (4 * once), ()
            return 0, (self.padding_name,)
        return 0, ()


def _fits(layer: str, name: str, mask: TensorType, shape: Shape, across: Attention) -> Needs:
    if mask.dtype not in ("bool", "float32"):
        raise Refusal(f"{name} of {layer} holds bools, or float32 to add, not {mask.dtype}")
    expected = TensorType(shape, mask.dtype)
    message = (
        f"{name} of {layer} must be {expected}, but is {mask}: "
        f"{across.length} queries see {across.places} keys"
    )
    return same_shape(mask.shape, shape, message)


def projections(
    embed_dim: int,
    bias: bool,
    others: tuple[int, int] | None = None,
    add_bias_kv: bool = False,
    prefix: str = "",
) -> dict[str, tuple[int, ...]]:
    """The parameters; ``others`` are the sizes of keys and values where they are different."""
    found: dict[str, tuple[int, ...]] = {}
    if others is None:
        found["in_proj_weight"] = (3 * embed_dim, embed_dim)
    else:
        found["q_proj_weight"] = (embed_dim, embed_dim)
        found["k_proj_weight"] = (embed_dim, others[0])
        found["v_proj_weight"] = (embed_dim, others[1])
    if bias:
        found["in_proj_bias"] = (3 * embed_dim,)
    if add_bias_kv:
        found["bias_k"] = found["bias_v"] = (1, 1, embed_dim)
    found["out_proj.weight"] = (embed_dim, embed_dim)
    if bias:
        found["out_proj.bias"] = (embed_dim,)
    return {prefix + name: shape for name, shape in found.items()}


def require_heads(embed_dim: int, num_heads: int, argument: str) -> None:
    """
    Raises:
        Refusal: the heads cannot share the last size equally.
    """
    if embed_dim % num_heads:
        near = [n for n in range(min(num_heads, embed_dim, 1_000), 0, -1) if embed_dim % n == 0]
        raise Refusal(
            f"the input's last size {embed_dim} is no multiple of {argument} {num_heads}",
            argument=argument,
            help=f"write for example `{argument}: {near[0]}`" if near else "",
        )


def require_sequences(name: str, batch_first: bool, **inputs: TensorType) -> None:
    """
    Raises:
        Refusal: they are no sequences, or some have a batch and some have none.
    """
    which, query = next(iter(inputs.items()))
    if query.rank not in (2, 3):
        sizes = "[N, L, E]" if batch_first else "[L, N, E]"
        raise Refusal(f"{name} takes {sizes} or one sequence [L, E], but {which} is {query}")
    for what, given in inputs.items():
        given.require_weights_dtype(name)
        if given.rank != query.rank:
            raise Refusal(
                f"{which} {query} and {what} {given} of {name} must both have a batch or none"
            )


def _batch(given: TensorType, batch_first: bool) -> tuple[Size, ...]:
    return (given.shape[0 if batch_first else 1],) if given.rank == 3 else ()


def _length(given: TensorType, batch_first: bool) -> Size:
    return given.shape[1 if batch_first and given.rank == 3 else 0]
