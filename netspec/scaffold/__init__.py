"""A new plugin's package: its names are checked, then all of its files are written, or none."""

from netspec.scaffold.names import BadName, Names, names_of
from netspec.scaffold.write import write_package

__all__ = ["BadName", "Names", "names_of", "write_package"]
