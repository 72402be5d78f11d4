"""How much a spec may be: beyond these, reading stops with a diagnostic, not with the machine.

Measured on hostile input: libyaml's time grows with the square of the nesting depth, and its
composer overflows the C stack; see also the counting of aliases in ``reader``.
"""

MAX_BYTES = 4 * 2**20
MAX_NODES = 250_000  # more than 30,000 layers with three arguments each
MAX_DEPTH = 100
