"""The steps of attention and of transformer layers, for estimates of memory."""

from __future__ import annotations

from typing import NamedTuple

from netspec.declaration import Work
from netspec.sizes import Size


class Sizes(NamedTuple):
    """Bytes: of a query, of a key, and of the weights of all pairs; and the number of heads' rows.

    ``is_itself`` says that queries and keys are one tensor.
    """

    query: Size
    key: Size
    pairs: Size
    rows: Size
    is_itself: bool


class Names(NamedTuple):
    """What values and parameters of one attention are called; ``prefix`` is that of the latter."""

    query: str
    key: str
    output: str
    prefix: str = ""


def attention(sizes: Sizes, names: Names, bias: bool, dropout: float, copied: bool) -> list[Work]:
    """The projections, the weighted sums, and the last product.

    Where the steps have to be brought to the front, the first product copies what it multiplies.
    Projections of one tensor are made together and then laid out one after the other; in the
    backward pass each gives a gradient as large as all of them.
    """
    at = f"{names.output}: "
    parameters = [f"{names.prefix}in_proj_weight", *[f"{names.prefix}in_proj_bias"] * bias]
    last = [f"{names.prefix}out_proj.weight", *[f"{names.prefix}out_proj.bias"] * bias]
    query, key = sizes.query, sizes.key
    work: list[Work] = []

    def laid_out(given: str, nbytes: Size, times: int, used: list[str]) -> str:
        made = nbytes * times
        name = source = given
        if copied:
            source = f"{at}{given} copied"
            work.append(Work(source, (name,), nbytes, hands_on=True, training_only=True))
        packed, heads = f"{at}{given} packed", f"{at}{given} heads"
        scratch = (nbytes if copied else 0, 0)
        work.append(Work(packed, (source,), made, (source,), 0, tuple(used), scratch))
        inside = {1: 0, 2: 3 if dropout else 2, 3: 6 if dropout else 4}[times]
        work.append(Work(heads, (packed,), made, scratch=(0, nbytes * inside)))
        return heads

    met: tuple[str, ...]
    if sizes.is_itself:
        met = (laid_out(names.query, query, 3, parameters),)
    else:
        met = (laid_out(names.query, query, 1, parameters), laid_out(names.key, key, 2, []))
    summed = f"{at}summed"
    if dropout:
        scaled = (f"{at}query scaled", f"{at}key scaled")
        work += [
            Work(scaled[0], (met[0],), query, hands_on=True, training_only=True),
            Work(scaled[1], (met[-1],), key, hands_on=True, training_only=True),
            Work(f"{at}scores", scaled, sizes.pairs, scaled, training_only=True),
            Work(
                f"{at}weights",
                (f"{at}scores",),
                sizes.pairs,
                (f"{at}weights",),
                training_only=True,
            ),
            dropped(f"{at}weights", f"{at}dropped", sizes.pairs, dropout),
            Work(
                summed,
                (f"{at}dropped",),
                query,
                (f"{at}dropped", met[-1], summed),
                holds=met,
            ),
        ]
    else:
        work.append(Work(summed, met, query, (*met, summed), sizes.rows * 4))
    work.append(Work(names.output, (summed,), query, (summed,), 0, tuple(last)))
    return work


def dropped(given: str, output: str, nbytes: Size, dropout: float) -> Work:
    """A dropout, which keeps its mask; in inference the value is the same."""
    kept = nbytes if 0 < dropout < 1 else 0
    return Work(output, (given,), nbytes, (), kept, training_only=True)


class Layer(NamedTuple):
    """One layer of a transformer. ``names`` are those of its input, of its memory and its output.

    ``wide`` are the bytes between the linear layers. ``has_kernel`` says that torch computes the
    layer in one kernel in inference, which overwrites values.
    """

    attentions: tuple[Sizes, ...]
    wide: Size
    rows: Size
    names: tuple[str, str | None, str]
    prefix: str
    bias: bool
    dropout: float
    is_relu: bool
    norm_first: bool
    copied: bool
    has_kernel: bool


def layer_steps(layer: Layer) -> list[Work]:
    """Attention to itself, to the memory if there is one, and two linear layers, with shortcuts."""
    given, memory, output = layer.names
    prefix, size = layer.prefix, layer.attentions[0].query
    parts = len(layer.attentions) + 1
    work: list[Work] = []
    value = given

    def norm(number: int, of: str, to: str) -> str:
        names = [f"{prefix}norm{number}.weight", *[f"{prefix}norm{number}.bias"] * layer.bias]
        work.append(Work(to, (of,), size, (of,), layer.rows * 8, tuple(names)))
        return to

    for number in range(1, parts + 1):
        inner = norm(number, value, f"{prefix}normed {number}") if layer.norm_first else value
        made = f"{prefix}made {number}"
        if number < parts:
            which = "self_attn." if number == 1 else "multihead_attn."
            key = inner if number == 1 else memory or inner
            names = Names(inner, key, made, prefix + which)
            of = layer.attentions[number - 1]
            work += attention(of, names, layer.bias, layer.dropout, layer.copied)
        else:
            work += _feed_forward(layer, inner, made)
        if layer.dropout:
            work.append(dropped(made, f"{made} dropped", size, layer.dropout))
            made = f"{made} dropped"
        is_last = number == parts
        total = output if is_last and layer.norm_first else f"{prefix}sum {number}"
        work.append(Work(total, (value, made), size, hands_on=True))
        value = total
        if not layer.norm_first:
            value = norm(number, total, output if is_last else f"{prefix}normed {number}")
    return work


def _feed_forward(layer: Layer, given: str, output: str) -> list[Work]:
    prefix, wide = layer.prefix, layer.wide
    first, second = (
        (f"{prefix}{name}.weight", *[f"{prefix}{name}.bias"] * layer.bias)
        for name in ("linear1", "linear2")
    )
    hidden, active = f"{prefix}hidden", f"{prefix}active"
    work = [
        Work(hidden, (given,), wide, (given,), 0, first),
        Work(
            active,
            (hidden,),
            wide,
            (active if layer.is_relu else hidden,),
            training_only=layer.has_kernel,
        ),
    ]
    if layer.dropout:
        work.append(dropped(active, f"{active} dropped", wide, layer.dropout))
        active = f"{active} dropped"
    size = layer.attentions[0].query
    work.append(Work(output, (active,), size, (active,), 0, second))
    return work
