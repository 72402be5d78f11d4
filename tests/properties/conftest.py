"""How many examples: few and always the same by default, many with ``NETSPEC_PROFILE=deep``.

What fails is made smaller first, which may take minutes; ``deep-unshrunk`` fails at once.
"""

import os

import torch
from hypothesis import HealthCheck, Phase, settings

UNSHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]
COMMON = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[*UNSHRUNK, Phase.shrink],
    print_blob=True,
)
settings.register_profile("fast", COMMON, max_examples=40, derandomize=True, database=None)
settings.register_profile("middle", COMMON, max_examples=300)
settings.register_profile("deep", COMMON, max_examples=2_000)
for name in ("fast", "middle", "deep"):
    settings.register_profile(f"{name}-unshrunk", settings.get_profile(name), phases=UNSHRUNK)
settings.load_profile(os.environ.get("NETSPEC_PROFILE", "fast"))
torch.set_num_threads(1)  # tiny tensors
