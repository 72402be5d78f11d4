"""Measures netspec beside hand-written torch; see ``__main__``."""
