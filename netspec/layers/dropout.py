"""Layers that drop values in training."""

from netspec.declaration import Output, Probability, TensorType, layer


@layer("torch.nn.Dropout", obvious="p")
def dropout(input: TensorType, *, p: Probability = 0.5, inplace: bool = False) -> Output:
    """Sets values to zero with probability ``p`` in training: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html
    """
    input.require_floating("dropout")
    return Output(input.shape)


LAYERS = (dropout,)
