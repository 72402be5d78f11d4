"""How many examples: few and always the same by default, many with ``NETSPEC_PROFILE=deep``."""

import os

import torch
from hypothesis import HealthCheck, Phase, settings

QUIET = list(HealthCheck)
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
settings.register_profile(
    "fast",
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=QUIET,
    phases=PHASES,
)
settings.register_profile(
    "deep",
    max_examples=1_000,
    deadline=None,
    suppress_health_check=QUIET,
    phases=PHASES,
)
settings.load_profile(os.environ.get("NETSPEC_PROFILE", "fast"))
torch.set_num_threads(1)  # tiny tensors
