"""What one walk over a spec shares: the rules, the blocks, and the limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from netspec.budget import MAX_LAYERS, MAX_NESTING, Budget
from netspec.declaration import InitialiserType
from netspec.diagnostics import Diagnostics, Span
from netspec.expansion.values import Environment, Skip
from netspec.graph import Init
from netspec.planning.planner import Planner
from netspec.registry import Brought, PackageBlock, devices
from netspec.sizes import Size
from netspec.spec import Block, InitRule, Origin

MAX_READS = 200_000  # values that are read by name, and names that patterns are compared with


class TooMany(Exception):
    """The walk ends: the model is too large, which is reported."""


class Definition(NamedTuple):
    """A block, with the blocks and params that its layers see."""

    block: Block
    blocks: Mapping[str, Block]
    params: Environment


class Walk:
    """The state of one walk, which all its scopes share."""

    def __init__(
        self,
        planner: Planner,
        blocks: Mapping[str, Block],
        params: Environment,
        found: Diagnostics,
        sizes: Mapping[str, Size],
        budget: Budget,
    ) -> None:
        self.planner = planner
        #: Those that the layers see that are being written out: the spec's, or a package's.
        self.blocks = blocks
        self.params = params
        self._of_spec = (blocks, params)
        self.spec_params = params
        #: The rules of ``init`` by the class that they are for, and what they are for each layer.
        self.rules: dict[str, list[InitRule]] = {}
        self.inits: dict[int, Init] = {}  # by the id of an application
        #: Whether there is a `freeze` beside or around a layer.
        self.decides_freeze = False
        self._devices: dict[str, bool] = {}  # whether a word is the name of one
        self.initialisers: dict[str, Brought[InitialiserType]] = {}
        self._of_packages: dict[str, PackageBlock | None] = {}
        self.found = found
        self.sizes = sizes  # those that the inputs name
        self.budget = budget
        #: The blocks that are being written out, the innermost last.
        self.inside: list[str] = []
        self.depth = 0
        self.modules = 0
        self.reads = 0

    def definition(self, name: str, *, is_computed: bool = False) -> Definition | None:
        """The block that a layer's name means here; None where it means a layer, or nothing.

        A name that is computed may have come from the spec, as an argument of a package's block.
        """
        block = self.blocks.get(name)
        if block is not None:
            return Definition(block, self.blocks, self.params)
        blocks, params = self._of_spec
        if is_computed and name in blocks:
            return Definition(blocks[name], blocks, params)
        if name not in self._of_packages:
            self._of_packages[name] = self.planner.registry.find_block(name) if name else None
        brought = self._of_packages[name]
        return None if brought is None else Definition(brought.block, brought.siblings, {})

    def count(self, origin: Origin, key: str | None = None) -> None:
        """One more module or copy, of an item with this origin.

        Raises:
            TooMany: there are more than a model may have.
        """
        self.modules += 1
        if self.modules > MAX_LAYERS:
            span = origin.span() if key is None else origin.reserved(key)
            self.found.error(
                "too-many-layers", f"the model would have more than {MAX_LAYERS:,} layers", span
            )
            raise TooMany

    def require_device(self, word: str, span: Span) -> None:
        """Reports a word that neither torch nor a plugin knows as a device."""
        known = self._devices.get(word)
        if known is None:
            known = self._devices[word] = devices.is_device(word, self.planner.registry)
        if not known:
            self.found.error("bad-device", devices.message(word), span, help=[devices.advice(word)])

    def room(self) -> int:
        """How many more modules there may be."""
        return MAX_LAYERS - self.modules

    def read(self, count: int, span: Span) -> None:
        """So many more values are read by name.

        Raises:
            TooMany: there are more than a model may read.
        """
        self.reads += count
        if self.reads > MAX_READS:
            self.found.error(
                "too-many-reads",
                f"the model would look at more than {MAX_READS:,} values by their names",
                span,
                help=["a name with a `*` is compared with all names before it: be more exact"],
            )
            raise TooMany

    @contextmanager
    def nested(self, origin: Origin) -> Iterator[None]:
        """
        Raises:
            Skip: containers are nested too deep, which is reported.
        """
        self.depth += 1
        try:
            if self.depth > MAX_NESTING:
                message = f"containers are nested more than {MAX_NESTING} deep"
                self.found.error("too-deep", message, origin.span())
                raise Skip
            yield
        finally:
            self.depth -= 1
