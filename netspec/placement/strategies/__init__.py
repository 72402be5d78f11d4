"""netspec's own strategies, one subject in each file. Nothing here imports torch."""

from netspec.placement.strategies.blocks import checkpoint, compile
from netspec.placement.strategies.data import data_parallel, fsdp
from netspec.placement.strategies.one_process import devices, dtypes, freeze, offload
from netspec.placement.strategies.pipeline import pipeline
from netspec.placement.strategies.tensor import tensor_parallel

STRATEGIES = (
    pipeline,
    freeze,
    devices,
    dtypes,
    tensor_parallel,
    checkpoint,
    compile,
    fsdp,
    data_parallel,
    offload,
)
