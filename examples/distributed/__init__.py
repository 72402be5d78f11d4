"""A small transformer on two processes, in every strategy: ``python -m examples.distributed``."""
