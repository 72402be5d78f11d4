"""netspec: neural networks written in YAML, checked like code, built as plain PyTorch modules."""

from __future__ import annotations

from netspec.version import __version__

TYPE_CHECKING = False  # type checkers take it for true; `typing` takes 20 ms to import
if TYPE_CHECKING:
    from netspec.api import build, check, distribute, from_dict, load, loads, memory, plan
    from netspec.builder import Builder
    from netspec.diagnostics import Diagnostic, SpecError
    from netspec.planning import Plan
    from netspec.registry import Registry
    from netspec.spec import Spec

__all__ = [
    "Builder",
    "Diagnostic",
    "Plan",
    "Registry",
    "Spec",
    "SpecError",
    "__version__",
    "build",
    "check",
    "distribute",
    "from_dict",
    "load",
    "loads",
    "memory",
    "plan",
]

_HOMES = {
    "Builder": "netspec.builder",
    "Diagnostic": "netspec.diagnostics",
    "Plan": "netspec.planning",
    "Registry": "netspec.registry",
    "Spec": "netspec.spec",
    "SpecError": "netspec.diagnostics",
}


def __getattr__(name: str) -> object:
    """Public names are imported at their first use: ``import netspec`` costs next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'netspec' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES.get(name, "netspec.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
