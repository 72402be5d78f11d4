"""Memory estimates from a plan and a layout. Nothing here imports torch."""

from netspec.accounting.choices import Choices
from netspec.accounting.estimate import estimate
from netspec.accounting.memory import DeviceMemory, Memory, RankMemory

__all__ = ["Choices", "DeviceMemory", "Memory", "RankMemory", "estimate"]
