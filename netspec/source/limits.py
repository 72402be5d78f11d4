"""How much a spec may be: beyond these, reading stops with a diagnostic, not with the machine.

Measured on hostile input: libyaml's time grows with the square of the nesting depth, and its
composer overflows the C stack; see also the counting of aliases in ``reader``.
"""

MAX_BYTES = 4 * 2**20  # about 150,000 layers
MAX_NODES = 500_000
MAX_DEPTH = 100
