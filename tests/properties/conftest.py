"""How many examples: few and always the same by default, many with ``NETSPEC_PROFILE=deep``.

What fails is made smaller first, which may take minutes; ``deep-unshrunk`` fails at once.
"""

import os
import pkgutil
from importlib import import_module

import torch
from hypothesis import HealthCheck, Phase, settings

import netspec

# Hypothesis draws constants from whatever modules of the project are loaded: load all of them, so
# that the examples of the fast profile do not depend on which tests ran before.
for found in pkgutil.walk_packages(netspec.__path__, "netspec."):
    if not found.name.endswith("__main__"):
        import_module(found.name)

UNSHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]
COMMON = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[*UNSHRUNK, Phase.shrink],
    print_blob=True,
)
settings.register_profile("fast", COMMON, max_examples=25, derandomize=True, database=None)
settings.register_profile("middle", COMMON, max_examples=300)
settings.register_profile("deep", COMMON, max_examples=2_000)
for name in ("fast", "middle", "deep"):
    settings.register_profile(f"{name}-unshrunk", settings.get_profile(name), phases=UNSHRUNK)
settings.load_profile(os.environ.get("NETSPEC_PROFILE", "fast"))
torch.set_num_threads(1)  # tiny tensors
