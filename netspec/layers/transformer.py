"""Transformers: encoders and decoders.

``nn.Transformer``'s ``custom_encoder`` and ``custom_decoder`` are left out: they are modules,
which a spec writes as layers of its own.
"""

from typing import Annotated, Literal, NamedTuple

from netspec.declaration import (
    Inferred,
    Output,
    Positive,
    Probability,
    Range,
    TensorType,
    Work,
    at_least,
    last_size,
    layer,
    same,
)
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.layers.attention import Attention, Masks, projections, require_heads, require_sequences
from netspec.layers.attention_steps import Layer, layer_steps
from netspec.layers.recurrent import MOST_LAYERS
from netspec.sizes import Size

_MOST_COUNTED = 32  # layers of a stack whose steps are declared
Width = Annotated[Positive, Inferred("the input's last size", last_size)]
Activation = Literal["relu", "gelu"]
Epsilon = Annotated[float, Range(0)]


@layer("torch.nn.TransformerEncoderLayer", obvious="nhead")
def transformer_encoder_layer(
    src: TensorType,
    src_mask: TensorType | None = None,
    src_key_padding_mask: TensorType | None = None,
    *,
    d_model: Width,
    nhead: Positive,
    dim_feedforward: Positive = 2048,
    dropout: Probability = 0.1,
    activation: Activation = "relu",
    layer_norm_eps: Epsilon = 1e-5,
    batch_first: bool = False,
    norm_first: bool = False,
    bias: bool = True,
) -> Output:
    """Self-attention and a feed-forward network, each with a residual connection.

    ``(S, N, d_model)``, or ``(N, S, d_model)`` with ``batch_first``, or one sequence
    ``(S, d_model)`` keeps its shape.

    ``src_mask`` ``S, S`` or ``N * nhead, S, S`` is true for ignored pairs, and
    ``src_key_padding_mask`` ``N, S`` for ignored positions; masks of float32 are added instead.
    There is no ``is_causal``: a causal mask is a ``src_mask``, an input of the model.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html
    """
    block = _Block(
        "transformer_encoder_layer", d_model, nhead, dim_feedforward, dropout, activation,
        batch_first, norm_first, bias,
    )  # fmt: skip
    masks = Masks(src_mask, src_key_padding_mask, "src_mask", "src_key_padding_mask")
    return _encoder(block, src, masks, block.encoder_parameters())


@layer("torch.nn.TransformerDecoderLayer", obvious="nhead")
def transformer_decoder_layer(
    tgt: TensorType,
    memory: TensorType,
    tgt_mask: TensorType | None = None,
    memory_mask: TensorType | None = None,
    tgt_key_padding_mask: TensorType | None = None,
    memory_key_padding_mask: TensorType | None = None,
    *,
    d_model: Width,
    nhead: Positive,
    dim_feedforward: Positive = 2048,
    dropout: Probability = 0.1,
    activation: Activation = "relu",
    layer_norm_eps: Epsilon = 1e-5,
    batch_first: bool = False,
    norm_first: bool = False,
    bias: bool = True,
) -> Output:
    """Self-attention, attention to a memory, and a feed-forward network.

    ``(T, N, d_model)``, or ``(N, T, d_model)`` with ``batch_first``, or one sequence
    ``(T, d_model)`` keeps its shape; the memory has length ``S``.

    ``tgt_mask`` ``T, T`` and ``memory_mask`` ``T, S``, or ``N * nhead`` of them, are true for
    ignored pairs, ``tgt_key_padding_mask`` ``N, T`` and ``memory_key_padding_mask`` ``N, S`` for
    ignored positions; masks of float32 are added instead. There is no ``tgt_is_causal``: a
    causal mask is a ``tgt_mask``, an input of the model.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerDecoderLayer.html
    """
    block = _Block(
        "transformer_decoder_layer", d_model, nhead, dim_feedforward, dropout, activation,
        batch_first, norm_first, bias,
    )  # fmt: skip
    masks = (
        Masks(tgt_mask, tgt_key_padding_mask, "tgt_mask", "tgt_key_padding_mask"),
        Masks(memory_mask, memory_key_padding_mask, "memory_mask", "memory_key_padding_mask"),
    )
    return _decoder(block, tgt, memory, masks, block.decoder_parameters())


@layer("netspec.modules.transformer.TransformerEncoder")
def transformer_encoder(
    src: TensorType,
    mask: TensorType | None = None,
    src_key_padding_mask: TensorType | None = None,
    *,
    d_model: Width,
    nhead: Positive,
    num_layers: Positive,
    dim_feedforward: Positive = 2048,
    dropout: Probability = 0.1,
    activation: Activation = "relu",
    layer_norm_eps: Epsilon = 1e-5,
    batch_first: bool = False,
    norm_first: bool = False,
    bias: bool = True,
    norm: bool = False,
    enable_nested_tensor: bool = True,
    mask_check: bool = True,
) -> Output:
    """A stack of ``num_layers`` encoder layers.

    ``(S, N, d_model)``, or ``(N, S, d_model)`` with ``batch_first``, or one sequence
    ``(S, d_model)`` keeps its shape. ``norm`` adds a layer norm at the end.

    ``mask`` ``S, S`` or ``N * nhead, S, S`` is true for ignored pairs, and ``src_key_padding_mask``
    ``N, S`` for ignored positions; masks of float32 are added instead. There is no
    ``is_causal``: a causal mask is a ``mask``, an input of the model.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html
    """
    block = _Block(
        "transformer_encoder", d_model, nhead, dim_feedforward, dropout, activation, batch_first,
        norm_first, bias,
    )  # fmt: skip
    parameters = _stacked(block.encoder_parameters(), num_layers, block, norm)
    masks = Masks(mask, src_key_padding_mask, "mask", "src_key_padding_mask")
    return _encoder(block, src, masks, parameters, num_layers, norm)


@layer("netspec.modules.transformer.TransformerDecoder")
def transformer_decoder(
    tgt: TensorType,
    memory: TensorType,
    tgt_mask: TensorType | None = None,
    memory_mask: TensorType | None = None,
    tgt_key_padding_mask: TensorType | None = None,
    memory_key_padding_mask: TensorType | None = None,
    *,
    d_model: Width,
    nhead: Positive,
    num_layers: Positive,
    dim_feedforward: Positive = 2048,
    dropout: Probability = 0.1,
    activation: Activation = "relu",
    layer_norm_eps: Epsilon = 1e-5,
    batch_first: bool = False,
    norm_first: bool = False,
    bias: bool = True,
    norm: bool = False,
) -> Output:
    """A stack of ``num_layers`` decoder layers.

    ``(T, N, d_model)``, or ``(N, T, d_model)`` with ``batch_first``, or one sequence
    ``(T, d_model)`` keeps its shape; the memory has length ``S``. ``norm`` adds a layer
    norm at the end.

    ``tgt_mask`` ``T, T`` and ``memory_mask`` ``T, S``, or ``N * nhead`` of them, are true for
    ignored pairs, ``tgt_key_padding_mask`` ``N, T`` and ``memory_key_padding_mask`` ``N, S`` for
    ignored positions; masks of float32 are added instead. There is no ``tgt_is_causal``: a
    causal mask is a ``tgt_mask``, an input of the model.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerDecoder.html
    """
    block = _Block(
        "transformer_decoder", d_model, nhead, dim_feedforward, dropout, activation, batch_first,
        norm_first, bias,
    )  # fmt: skip
    parameters = _stacked(block.decoder_parameters(), num_layers, block, norm)
    masks = (
        Masks(tgt_mask, tgt_key_padding_mask, "tgt_mask", "tgt_key_padding_mask"),
        Masks(memory_mask, memory_key_padding_mask, "memory_mask", "memory_key_padding_mask"),
    )
    return _decoder(block, tgt, memory, masks, parameters, num_layers, norm)


@layer("torch.nn.Transformer")
def transformer(
    src: TensorType,
    tgt: TensorType,
    src_mask: TensorType | None = None,
    tgt_mask: TensorType | None = None,
    memory_mask: TensorType | None = None,
    src_key_padding_mask: TensorType | None = None,
    tgt_key_padding_mask: TensorType | None = None,
    memory_key_padding_mask: TensorType | None = None,
    *,
    d_model: Width,
    nhead: Positive = 8,
    num_encoder_layers: Positive = 6,
    num_decoder_layers: Positive = 6,
    dim_feedforward: Positive = 2048,
    dropout: Probability = 0.1,
    activation: Activation = "relu",
    layer_norm_eps: Epsilon = 1e-5,
    batch_first: bool = False,
    norm_first: bool = False,
    bias: bool = True,
) -> Output:
    """An encoder over ``src`` and a decoder over ``tgt`` that attends to the encoder's output.

    ``(S, N, d_model)`` and ``(T, N, d_model)``, with ``batch_first`` ``(N, S, d_model)`` and
    ``(N, T, d_model)``, or one sequence each, ``(S, d_model)`` and ``(T, d_model)``: the output
    has the shape of ``tgt``.

    ``src_mask`` ``S, S``, ``tgt_mask`` ``T, T`` and ``memory_mask`` ``T, S``, or ``N * nhead`` of
    them, are true for ignored pairs; ``src_key_padding_mask`` and ``memory_key_padding_mask``
    ``N, S`` and ``tgt_key_padding_mask`` ``N, T`` for ignored positions; masks of float32 are
    added instead. There is no ``tgt_is_causal``: a causal mask is a
    ``tgt_mask``, an input of the model.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Transformer.html
    """
    block = _Block(
        "transformer", d_model, nhead, dim_feedforward, dropout, activation, batch_first,
        norm_first, bias,
    )  # fmt: skip
    for argument, number in (
        ("num_encoder_layers", num_encoder_layers),
        ("num_decoder_layers", num_decoder_layers),
    ):
        _require_few(number, argument)
    # What the encoder's norm gives is the decoder's memory, kept once if it is not copied.
    masks = (
        Masks(tgt_mask, tgt_key_padding_mask, "tgt_mask", "tgt_key_padding_mask"),
        Masks(memory_mask, memory_key_padding_mask, "memory_mask", "memory_key_padding_mask"),
    )
    decoded = _decoder(block, tgt, src, masks, {}, num_decoder_layers, True, ("tgt", "src"))
    of_src = Masks(src_mask, src_key_padding_mask, "src_mask", "src_key_padding_mask")
    encoded = _encoder(block, src, of_src, {}, num_encoder_layers, True)
    kept = decoded.saved_bytes
    if "src" in decoded.saves:
        kept = kept + src.nbytes
    kept = kept + encoded.saved_bytes
    own = {*encoded.saves, *(name for name in decoded.saves if name != "src")}
    parameters = {
        f"{part}.{name}": shape
        for part, shapes, number in (
            ("encoder", block.encoder_parameters(), num_encoder_layers),
            ("decoder", block.decoder_parameters(), num_decoder_layers),
        )
        for name, shape in _stacked(shapes, number, block, True).items()
    }
    return Output(
        tgt.shape,
        parameters=parameters,
        macs=encoded.macs + decoded.macs,
        needs=encoded.needs + decoded.needs,
        saves=tuple(sorted(own)),
        saved_bytes=kept,
    )


class _Block(NamedTuple):
    """The arguments that all layers of a transformer share."""

    name: str
    d_model: int
    nhead: int
    dim_feedforward: int
    dropout: float
    activation: Activation
    batch_first: bool
    norm_first: bool
    bias: bool

    def encoder_parameters(self) -> dict[str, tuple[int, ...]]:
        attention = projections(self.d_model, self.bias, prefix="self_attn.")
        return {**attention, **self._rest(2)}

    def decoder_parameters(self) -> dict[str, tuple[int, ...]]:
        attention = projections(self.d_model, self.bias, prefix="self_attn.")
        across = projections(self.d_model, self.bias, prefix="multihead_attn.")
        return {**attention, **across, **self._rest(3)}

    def _rest(self, norms: int) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        wide, size = self.dim_feedforward, self.d_model
        for name, shape in (("linear1", (wide, size)), ("linear2", (size, wide))):
            found[f"{name}.weight"] = shape
            if self.bias:
                found[f"{name}.bias"] = shape[:1]
        for number in range(1, norms + 1):
            found |= self.norm(f"norm{number}")
        return found

    def norm(self, name: str) -> dict[str, tuple[int, ...]]:
        names = (f"{name}.weight", f"{name}.bias")[: 2 if self.bias else 1]
        return dict.fromkeys(names, (self.d_model,))

    def attention(self, query: TensorType, key: TensorType, is_itself: bool) -> Attention:
        require_heads(self.d_model, self.nhead, "nhead")
        return Attention(
            query, key, self.d_model, self.nhead, self.batch_first, is_itself=is_itself
        )

    def mask_needs(self, masks: Masks, across: Attention) -> Needs:
        needs = masks.needs(self.name, across)
        is_each = masks.padding or (masks.attn and masks.attn.rank == 3)
        if is_each and across.batch:
            message = f"{self.name} has a mask for each sequence, but no sequence: {across.query}"
            needs += at_least(across.batch[0], 1, message)
        return needs

    def masks_kept(
        self,
        masks: Masks,
        across: Attention,
        num_layers: int,
        converts_once: bool = False,
        may_be_causal: bool = True,
    ) -> tuple[Size, tuple[str, ...]]:
        """The bytes that so many layers keep of masks, and which of these are kept themselves."""
        if self.dropout:
            return 0, ()
        is_stack = may_be_causal and not self.name.endswith("_layer")
        return masks.kept(across, num_layers, is_stack, converts_once)

    def steps(
        self,
        attentions: tuple[Attention, ...],
        names: tuple[str, str | None],
        copied: bool,
        num_layers: int,
        norm: bool,
    ) -> tuple[Work, ...]:
        """What so many layers compute, one after the other."""
        itself = attentions[0]
        if not itself.batch or self.dropout == 1 or num_layers > _MOST_COUNTED:
            return ()
        copied = copied or Attention.is_copied(itself.query, self.batch_first)
        given, memory = names
        work: list[Work] = []
        for number in range(num_layers):
            prefix = "" if self.name.endswith("_layer") else f"layers.{number}."
            output = f"{prefix}output" if norm or number < num_layers - 1 else "output"
            layer = Layer(
                tuple([one.sizes for one in attentions]),
                itself.steps * (4 * self.dim_feedforward),
                itself.steps,
                (given, memory, output),
                prefix,
                self.bias,
                self.dropout,
                self.activation == "relu",
                self.norm_first,
                copied,
                len(attentions) == 1 and self.bias and self.batch_first and self.nhead % 2 == 0,
            )
            work += layer_steps(layer)
            given = output
        if norm:
            size, rows = itself.sizes.query, itself.steps
            work.append(
                Work("output", (given,), size, (given,), rows * 8, tuple(self.norm("norm")))
            )
        return tuple(work)

    def feed_forward_macs(self, steps: Size) -> Size:
        return steps * (2 * self.d_model * self.dim_feedforward)

    def around_kept(self, steps: Size, parts: int) -> Size:
        """The bytes that a layer of so many parts keeps, but for its input and its attention.

        Each part has a norm, which keeps two numbers for each step, and a dropout; a part's input
        is kept by its norm or its first product. Of the linear layers, what lies between.
        """
        size, wide = self.d_model, self.dim_feedforward
        inputs = 2 * parts - 1  # what reaches each norm and each product but the layer's input
        values = inputs * size + 2 * parts
        scalars = 0
        wides = 1 if self.activation == "relu" else 2
        if self.dropout > 0:
            wides = 2
        if 0 < self.dropout < 1:
            values += parts * size
            wides = 3
        elif self.dropout == 1:
            scalars = parts + 1
        return steps * (4 * (values + wides * wide)) + 4 * scalars


def _encoder(
    block: _Block,
    src: TensorType,
    masks: Masks,
    parameters: dict[str, tuple[int, ...]],
    num_layers: int = 1,
    norm: bool = False,
) -> Output:
    require_sequences(block.name, block.batch_first, src=src)
    itself = block.attention(src, src, is_itself=True)
    needs = at_least(itself.length, 1, f"{block.name} needs a sequence, but src is {src}")
    needs += block.mask_needs(masks, itself)
    each = itself.packed_kept(block.dropout) + block.around_kept(itself.steps, 2)
    kept, saves = _layers_kept(block, src, each, num_layers, norm)
    of_masks, own = block.masks_kept(masks, itself, num_layers, converts_once=True)
    return Output(
        src.shape,
        parameters=parameters,
        macs=(itself.packed_macs + block.feed_forward_macs(itself.steps)) * num_layers,
        needs=needs,
        saves=("src", *own) if saves else own,
        saved_bytes=kept + of_masks,
        work=()
        if masks.attn or masks.padding or not parameters
        else block.steps((itself,), ("src", None), not saves, num_layers, norm),
    )


def _decoder(
    block: _Block,
    tgt: TensorType,
    memory: TensorType,
    masks: tuple[Masks, Masks],
    parameters: dict[str, tuple[int, ...]],
    num_layers: int = 1,
    norm: bool = False,
    names: tuple[str, str] = ("tgt", "memory"),
) -> Output:
    first, second = names
    require_sequences(block.name, block.batch_first, **{first: tgt, second: memory})
    needs: Needs = ()
    for which, given in ((first, tgt), (second, memory)):
        message = f"{which} {given} of {block.name} must have d_model {block.d_model} last"
        needs += same(given.shape[-1], block.d_model, message)
    itself = block.attention(tgt, tgt, is_itself=True)
    across = block.attention(tgt, memory, is_itself=False)
    needs += across.same_batch(block.name, first, second)
    needs += at_least(itself.length, 1, f"{block.name} needs a sequence, but {first} is {tgt}")
    needs += at_least(across.places, 1, f"{block.name} needs a sequence, but {second} is {memory}")
    needs += block.mask_needs(masks[0], itself) + block.mask_needs(masks[1], across)
    each = itself.packed_kept(block.dropout) + across.packed_kept(block.dropout)
    each = each + block.around_kept(itself.steps, 3)
    copied = Attention.is_copied(memory, block.batch_first)
    if copied:
        each = each + memory.nbytes
    kept, saves = _layers_kept(block, tgt, each, num_layers, norm)
    macs = itself.packed_macs + across.packed_macs + block.feed_forward_macs(itself.steps)
    own = [first] if saves else []
    for mask, attention in zip(masks, (itself, across), strict=True):
        # Only the mask of the first attention is looked at for being causal.
        of_mask, names_kept = block.masks_kept(
            mask, attention, num_layers, may_be_causal=attention is itself
        )
        kept = kept + of_mask
        own += names_kept
    return Output(
        tgt.shape,
        parameters=parameters,
        macs=macs * num_layers,
        needs=needs,
        saves=tuple(own if copied else [*own, second]),
        saved_bytes=kept,
        work=()
        if any(mask.attn or mask.padding for mask in masks) or not parameters
        else block.steps((itself, across), (first, second), copied, num_layers, norm),
    )


def _layers_kept(
    block: _Block, input: TensorType, each: Size, num_layers: int, norm: bool
) -> tuple[Size, bool]:
    """The bytes that layers keep, and whether the input itself is kept (else a copy is)."""
    inputs = num_layers - 1
    copied = not block.norm_first and Attention.is_copied(input, block.batch_first)
    if copied:
        inputs += 1
    kept = each * num_layers + input.nbytes * (inputs + int(norm))
    if norm:
        steps = input.nbytes // (4 * block.d_model)
        kept = kept + steps * 8
    return kept, not copied


def _stacked(
    parameters: dict[str, tuple[int, ...]], num_layers: int, block: _Block, norm: bool
) -> dict[str, tuple[int, ...]]:
    _require_few(num_layers, "num_layers")
    found = {
        f"layers.{number}.{name}": shape
        for number in range(num_layers)
        for name, shape in parameters.items()
    }
    return found | (block.norm("norm") if norm else {})


def _require_few(num_layers: int, argument: str) -> None:
    if num_layers > MOST_LAYERS:
        raise Refusal(
            f"{argument} is {num_layers}, but netspec plans at most {MOST_LAYERS} layers",
            argument=argument,
        )
