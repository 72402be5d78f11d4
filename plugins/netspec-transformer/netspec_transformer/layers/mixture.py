"""Mixtures of experts."""

from netspec.plugin import (
    LastSize,
    Output,
    Positive,
    Refusal,
    Size,
    TensorType,
    Work,
    layer,
    product,
)
from netspec_transformer.layers.common import FLOAT, INDEX, Shapes, linear
from netspec_transformer.layers.gated import gated_macs, gated_parameters, gated_saved, gated_steps

MOST_EXPERTS = 1_000  # each has parameters of its own, which a plan lists
_MOST_COUNTED = 64  # experts whose steps are declared


@layer("netspec_transformer.modules.MoEFeedForward")
def moe_feed_forward(
    input: TensorType,
    *,
    in_features: LastSize,
    hidden_features: Positive,
    num_experts: Positive,
    top_k: Positive = 2,
) -> Output:
    """A mixture of ``swiglu`` experts, with a router: ``output`` and ``router_logits``.

    ``(*, in_features)`` stays; the logits are ``*, num_experts``, for a loss that balances the
    experts. Each place gets the ``top_k`` experts with the largest logits, weighted by the softmax
    of these ``top_k`` logits, as in Mixtral.

    Every expert computes every place, and those that are not chosen get the weight 0. So shapes do
    not depend on values, and the model can be exported and compiled whole; but time, memory and
    the multiply-adds of the plan are those of ``num_experts`` experts, not of ``top_k``.

    Jiang et al. (2024), "Mixtral of Experts", https://arxiv.org/abs/2401.04088
    """
    input.require_weights_dtype("moe_feed_forward")
    if num_experts > MOST_EXPERTS:
        raise Refusal(
            f"num_experts is {num_experts}, but netspec plans at most {MOST_EXPERTS} experts",
            argument="num_experts",
        )
    if top_k > num_experts:
        raise Refusal(
            f"top_k is {top_k}, but there are only {num_experts} experts to choose from",
            argument="top_k",
            help=f"write `top_k: {num_experts}` or less",
        )
    leading = input.shape[:-1]
    places = product(leading)
    parameters: Shapes = linear("router", num_experts, in_features, bias=False)
    for expert in range(num_experts):
        parameters |= gated_parameters(
            in_features, hidden_features, in_features, prefix=f"experts.{expert}."
        )
    each = in_features + gated_macs(in_features, hidden_features, in_features)
    # What each expert gives; the softmax and the numbers of the chosen; and all weights.
    values = num_experts * in_features + top_k + num_experts
    return Output(
        input.shape,
        parameters=parameters,
        macs=places * (num_experts * each),
        name="output",
        others={"router_logits": TensorType((*leading, num_experts))},
        saves=("input",),
        saved_bytes=num_experts * gated_saved(leading, hidden_features)
        + places * (values * FLOAT + top_k * INDEX),
        work=_steps(places, in_features, hidden_features, num_experts, top_k),
    )


def _steps(
    places: Size, in_features: int, hidden_features: int, num_experts: int, top_k: int
) -> tuple[Work, ...]:
    """The weights of the experts, what each of them makes, and the sum so far."""
    if num_experts > _MOST_COUNTED:
        return ()
    logits, size = places * (FLOAT * num_experts), places * (FLOAT * in_features)
    chosen = places * (top_k * (FLOAT + INDEX))
    work = [
        Work("router_logits", ("input",), logits, ("input",), 0, ("router.weight",)),
        Work("weights", ("router_logits",), logits, ("weights",), chosen),
    ]
    total = ""
    added: tuple[str, ...] = ()  # what `reduce` still holds of its last addition
    for expert in range(num_experts):
        made, part = f"made by {expert}", f"part of {expert}" if num_experts > 1 else "output"
        prefix = f"experts.{expert}."
        work += gated_steps(places, hidden_features, in_features, False, prefix, made)
        work.append(Work(part, ("weights", made), size, ("weights", made), holds=added))
        if total:
            so_far = f"sum to {expert}" if expert < num_experts - 1 else "output"
            work.append(Work(so_far, (total, part), size, hands_on=True))
            added = (total, part)
            part = so_far
        total = part
    return tuple(work)
