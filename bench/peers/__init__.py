"""Measures netspec beside its peers, and gives all the same wrong specs; see ``__main__``."""
