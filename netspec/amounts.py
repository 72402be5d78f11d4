"""Numbers, sizes and bytes as people read them."""

from __future__ import annotations

import re

from netspec.sizes import Size


def number(size: Size) -> str:
    """``401,408`` or ``401,408*N``."""
    return re.sub(r"\d{4,}", lambda digits: f"{int(digits.group()):,}", str(size))


def brief_number(text: str) -> str:
    """``5.77 T`` for the text of a large number, else the text."""
    if not re.fullmatch(r"\d{1,3}(,\d{3})+", text):
        return text
    value = float(text.replace(",", ""))
    for unit in ("k", "M", "G", "T"):
        value /= 1000
        if value < 999.995:
            return f"{value:.2f} {unit}"
    return f"{value:,.0f} T"


def dense(size: object) -> str:
    """``(H+1)//2``, which takes less room than ``(H + 1)//2``."""
    return str(size).replace(" + ", "+").replace(" - ", "-")


def memory(size: Size) -> str:
    """``2.6 MiB``, ``7.1 KiB*N + 64 B`` or, of several names, ``12*H*N*W bytes``."""
    if isinstance(size, int):
        return amount(size)
    one_name = re.fullmatch(r"(\d+)\*([A-Za-z]\w*)(?: \+ (\d+))?", str(size))
    if one_name is None:
        return f"{number(size)} bytes"
    times, name, rest = one_name.groups()
    return f"{amount(int(times))}*{name}" + (f" + {amount(int(rest))}" if rest else "")


def amount(size: int) -> str:
    """``2.6 MiB``."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.1f} {unit}" if unit != "B" else f"{size} B"
        value /= 1024
    return f"{value:,.1f} TiB"
