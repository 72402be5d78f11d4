"""Specs written in Python: each call adds a layer and is checked at once."""

from netspec.builder.builder import Builder

__all__ = ["Builder"]
