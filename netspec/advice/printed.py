"""A model as PyTorch prints it, as the lines of ``layers``."""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_LINES = 500

_CHILD = re.compile(r"\s*\(([\w-]+)\): (.*?),?\s*\Z")
_OPEN = re.compile(r"[A-Za-z_][\w.]*\(\Z")


def spec_lines(text: str) -> list[str] | None:
    """The lines of a list or mapping of layers; None where a line is not understood."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        return None
    if lines and _OPEN.match(lines[0].strip()):
        if lines[-1].strip() != ")":
            return None
        lines = lines[1:-1]
    rest = iter(lines)
    made = _children(rest)
    return made if next(rest, None) is None else None


def _children(lines: Iterator[str]) -> list[str] | None:
    from netspec.advice.items import own_site
    from netspec.advice.layers import pasted

    children: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.strip() == ")":
            break
        match = _CHILD.match(line)
        if match is None:
            return None
        name, what = match[1], match[2]
        if _OPEN.match(what):
            inner = _children(lines)
            if inner is None:
                return None
            children.append((name, inner))
            continue
        made = pasted(what, own_site())
        if made is None:
            return None
        children.append((name, [*made.items][:1]))
    if not children:
        return None
    is_list = [name for name, _ in children] == [str(at) for at in range(len(children))]
    written: list[str] = []
    for name, inner in children:
        one_line = len(inner) == 1 and not inner[0].startswith("- ") and "\0" not in inner[0]
        if one_line and not _is_entry(inner[0]):
            text = inner[0]
            if is_list:
                written.append(f"- {text}")
            else:
                written.append(f"{name}: {{{text}}}" if ": " in text else f"{name}: {text}")
        elif is_list:
            written += ["- " + ("layers:" if not inner[0].startswith("- ") else inner[0])]
            rest = inner if not inner[0].startswith("- ") else inner[1:]
            indent = "    " if not inner[0].startswith("- ") else "  "
            written += [indent + line for line in rest]
        elif inner[0].startswith("- "):
            written += [f"{name}:", *("  " + line for line in inner)]
        else:
            written += [f"{name}:", "  layers:", *("    " + line for line in inner)]
    return written


def _is_entry(line: str) -> bool:
    """Whether it is an entry of a mapping of layers (``act: relu``), not a layer."""
    from netspec.advice.items import own_layer

    return own_layer(line.partition(":")[0]) is None
