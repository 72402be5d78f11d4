"""The `weights` argument: which tensors of a file fill which parameters and buffers of a model.

It is read, matched by names and advised about without torch; `netspec.building` reads the files.
"""

from netspec.weights.argument import Weights, WeightsLike, read_weights
from netspec.weights.report import LoadedWeights

__all__ = ["LoadedWeights", "Weights", "WeightsLike", "read_weights"]
