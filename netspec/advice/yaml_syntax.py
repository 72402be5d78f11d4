"""Mistakes of YAML's notation, found by trying what mends them.

libyaml says where it cannot read on, which is often lines below the mistake. Each remedy here
proposes edits for the lines around that place. The first with which libyaml reads further is the
one that is told, so its advice works.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

MOST_LETTERS = 200_000  # of a text that is read again for each remedy
MOST_LINES = 5_000

_KEY = re.compile(r"[\w.$()-]+\Z", re.ASCII)
_CLOSERS = {"{": "}", "[": "]"}


class Remedy(NamedTuple):
    """A cause, its place in the text, and replacements of (start, end, text)."""

    cause: str
    help: str
    start: int
    end: int
    edits: tuple[tuple[int, int, str], ...]
    is_certain: bool = True


class Problem(NamedTuple):
    """Where reading stopped, where what was being read began, and libyaml's words for it."""

    at: int
    begin: int
    words: str


#: Reads a text; gives its problem, or None where there is none.
Reads = Callable[[str], Problem | None]


class _Line(NamedTuple):
    number: int
    start: int
    text: str  # without the break

    @property
    def indent(self) -> int:
        return len(self.text) - len(self.text.lstrip(" "))

    @property
    def end(self) -> int:
        """Where its last word ends, before spaces and a comment."""
        return self.start + len(_without_comment(self.text))

    @property
    def words(self) -> str:
        return _without_comment(self.text).strip()


def remedy(text: str, problem: Problem, reads: Reads) -> Remedy | None:
    """The first remedy with which the text is read as a whole, or at least beyond the place."""
    if len(text) > MOST_LETTERS:
        return None
    lines = _lines(text)
    if len(lines) > MOST_LINES:
        return None
    furthest: Remedy | None = None
    for found in _proposals(text, lines, problem):
        rest = reads(mended(text, found.edits))
        if rest is None:
            return found
        grown = sum(len(new) - (end - start) for start, end, new in found.edits)
        last = max(end for _, end, _ in found.edits)
        if furthest is None and rest.at > max(problem.at, last) + max(0, grown) + 1:
            furthest = found
    return furthest


def mended(text: str, edits: tuple[tuple[int, int, str], ...]) -> str:
    """The text with the edits, which do not overlap."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _proposals(text: str, lines: list[_Line], problem: Problem) -> Iterator[Remedy]:
    at = _line_at(lines, problem.at)
    begin = _line_at(lines, min(problem.begin, problem.at))
    above = next((line for line in reversed(lines[: at.number]) if line.words), None)
    yield from _printed(text, lines, at)
    yield from _question_marks(at)
    yield from _tabs(lines)
    yield from _comments(lines)
    yield from _no_space_after_dash(lines, at)
    yield from _no_space_after_colon(lines, at)
    yield from _equals(lines, at)
    for line in dict.fromkeys((at, begin)):
        yield from _quote(line)
        yield from _expressions(line)
        yield from _comma(line)
        yield from _closing(text, line)
        yield from _braces(line)
        yield from _first_word(line, problem)
    yield from _no_dash(lines, begin)
    yield from _colon_after(begin)
    if above is not None:
        yield from _no_colon(at, above)
        yield from _indented(lines, at, above)
    if begin.number < at.number:
        yield from _no_colon(at, begin)
        yield from _column_of(lines, at, begin)


# ---- remedies, each for one mistake


def _question_marks(line: _Line) -> Iterator[Remedy]:
    """``[?, 3, ?, ?]``"""
    match = re.search(r"\[([^\[\]]*(?<![^\s,\[])\?(?=\s*[,\]])[^\[\]]*)\]", line.text)
    if match is None:
        return
    sizes = [size.strip() for size in match[1].split(",")]
    names = {3: "NTL", 4: "NCHW", 5: "NCDHW"}.get(len(sizes), "NTSRQP")
    written = [
        (names[at] if at < len(names) else f"S{at}") if size == "?" else size
        for at, size in enumerate(sizes)
    ]
    start, end = line.start + match.start(1), line.start + match.end(1)
    yield Remedy(
        "`?` is no value", f"a size that may be any number has a name: `[{', '.join(written)}]`",
        start, end, ((start, end, ", ".join(written)),), False,
    )  # fmt: skip


def _tabs(lines: list[_Line]) -> Iterator[Remedy]:
    tabbed = [line for line in lines if re.match(r"[ -]*\t", line.text)]
    if not tabbed:
        return
    first = tabbed[0]
    place = first.start + first.text.index("\t")
    for width in (2, 4, 8):
        edits = []
        for line in tabbed:
            blank = line.text[: len(line.text) - len(line.text.lstrip(" \t-"))]
            edits.append((line.start, line.start + len(blank), blank.replace("\t", " " * width)))
        yield Remedy("a tab cannot indent", "indent with spaces", place, place + 1, tuple(edits))


def _comments(lines: list[_Line]) -> Iterator[Remedy]:
    for line in lines:
        match = re.match(r"( *)(//|%|--(?!-))", line.text)
        if match:
            start, end = line.start + match.start(2), line.start + match.end(2)
            cause = f"`{match[2]}` begins no comment in YAML"
            yield Remedy(cause, "a comment begins with `#`", start, end, ((start, end, "#"),))
            return


def _no_space_after_dash(lines: list[_Line], at: _Line) -> Iterator[Remedy]:
    near = [line for line in lines if re.match(r" *-[A-Za-z{\[]", line.text)]
    if near:
        places = [line.start + line.indent + 1 for line in near]
        edits = tuple((place, place, " ") for place in places)
        word = near[0].words[1:].partition(":")[0]
        yield Remedy(
            "there is no space after the `-`", f"write `- {word[:40]}`",
            places[0] - 1, places[0], edits,
        )  # fmt: skip


def _no_space_after_colon(lines: list[_Line], at: _Line) -> Iterator[Remedy]:
    edits, first = [], None
    for line in lines:
        match = re.match(r" *(?:- )?([A-Za-z_]\w*):(?=[^\s:/])", line.text)
        if match:
            first = first or (line, match)
            edits.append((line.start + match.end(), line.start + match.end(), " "))
    if first is not None:
        line, match = first
        rest = _without_comment(line.text)[match.end() :]
        yield Remedy(
            "there is no space after the `:`", f"write `{match[1]}: {rest.strip()[:40]}`",
            line.start + match.start(1), line.start + match.end(), tuple(edits),
        )  # fmt: skip


def _equals(lines: list[_Line], at: _Line) -> Iterator[Remedy]:
    edits, first = [], None
    for line in lines:
        match = re.match(r" *(?:- )?([A-Za-z_]\w*)( *= *)(?=[^\s=])", line.text)
        if match and ": " not in line.text[: match.end()]:
            first = first or (line, match)
            edits.append((line.start + match.start(2), line.start + match.end(2), ": "))
    if first is not None:
        line, match = first
        rest = _without_comment(line.text)[match.end() :]
        yield Remedy(
            "YAML has no `=`", f"write `{match[1]}: {rest.strip()[:40]}`",
            line.start + match.start(2), line.start + match.end(2), tuple(edits),
        )  # fmt: skip


def _quote(line: _Line) -> Iterator[Remedy]:
    for letter in "'\"":
        if line.words.count(letter) % 2:
            place = line.start + line.text.index(letter)
            end = line.end
            while line.text[end - line.start - 1] in "}],":
                end -= 1
            word = line.text[place - line.start : end - line.start]
            yield Remedy(
                "this quote is not closed", f"close it: {word[:40]}{letter}",
                place, place + 1, ((end, end, letter),),
            )  # fmt: skip


def _comma(line: _Line) -> Iterator[Remedy]:
    """``{out_channels: 16 kernel_size: 3}``"""
    edits, word = [], ""
    for match in re.finditer(r"(?<=[\w\])}'\"])( +)(?=([A-Za-z_]\w*): )", line.text):
        if _depth(line.text[: match.start()]) > 0:
            edits.append((line.start + match.start(1), line.start + match.end(1), ", "))
            word = word or match[2]
    if edits:
        start = edits[0][0]
        yield Remedy(
            f"there is no comma before `{word}`", f"write `, {word}: ...`",
            start, start + 1, tuple(edits),
        )  # fmt: skip


def _expressions(line: _Line) -> Iterator[Remedy]:
    """Expressions with brackets or commas inside of braces, without quotes."""
    edits: list[tuple[int, int, str]] = []
    for match in re.finditer(r"(?<=[:\[,] )\$(?=\()", line.text):
        depth, at = 0, match.end()
        for at in range(match.end(), len(line.text)):
            depth += (line.text[at] == "(") - (line.text[at] == ")")
            if not depth:
                break
        expression = line.text[match.start() : at + 1]
        if not depth and re.search(r"[\[\]{},]|: ", expression) and '"' not in expression:
            start = line.start + match.start()
            edits.append((start, start + len(expression), f'"{expression}"'))
    if edits:
        start, end, quoted = edits[0]
        yield Remedy(
            "an expression with a bracket or a comma needs quotes here", f"write `{quoted[:60]}`",
            start, end, tuple(edits),
        )  # fmt: skip


def _closing(text: str, line: _Line) -> Iterator[Remedy]:
    """A bracket that is not closed on its line, or one too many."""
    opened: list[int] = []
    for place, letter in enumerate(line.text[: line.end - line.start]):
        if letter in "{[":
            opened.append(place)
        elif letter in "]}":
            start = line.start + place
            if not opened:
                yield Remedy(
                    f"there is no `{'[' if letter == ']' else '{'}` for this `{letter}`",
                    f"remove the `{letter}`", start, start + 1, ((start, start + 1, ""),),
                )  # fmt: skip
                return
            right = _CLOSERS[line.text[opened.pop()]]
            if right != letter:
                yield Remedy(
                    f"this `{letter}` closes nothing", f"write `{right}`",
                    start, start + 1, ((start, start + 1, right),),
                )  # fmt: skip
                return
    if opened:
        start, closers = line.start + opened[-1], ""
        for place in reversed(opened):
            closers += _CLOSERS[line.text[place]]
        end = line.end
        if line.words.endswith(","):
            end -= 1
        yield Remedy(
            f"this `{line.text[opened[-1]]}` is not closed", f"write `{closers}` at the line's end",
            start, start + 1, ((end, line.end, closers),),
        )  # fmt: skip


def _braces(line: _Line) -> Iterator[Remedy]:
    """A second ``: `` on a line: arguments without braces, or a text without quotes."""
    match = re.match(r" *(?:- +)*([^\s:{\[\"']+): +", line.text)
    if match is None:
        return
    start, end = line.start + match.end(), line.end
    rest = line.text[match.end() : end - line.start]
    key = match[1]
    second = re.search(r": ", rest)
    place = start if second is None else start + second.start()
    shaped = re.match(r"(\[[^\[\]]*\]|\([^()]*\)) *, *(\w+: .*)", rest)
    if key == "input" and shaped:
        value = f"{{shape: [{shaped[1][1:-1]}], {shaped[2]}}}"
        yield Remedy(
            "more after the list of sizes", f"write `input: {value}`",
            place, place + 1, ((start, end, value),),
        )  # fmt: skip
    if re.match(r"[A-Za-z_]\w*:(?: |\Z)", rest):
        value = f"{{{rest}}}"
        yield Remedy(
            "a second `: ` in this place", f"arguments are in braces: `{key}: {value[:60]}`",
            place, place + 1, ((start, end, value),),
        )  # fmt: skip
    bare = re.match(r"([^\s,:]+) *, *([A-Za-z_]\w*: .*)", rest)
    if bare:
        name = _obvious(key)
        if name:
            value = f"{{{name}: {bare[1]}, {bare[2]}}}"
            yield Remedy(
                "a second `: ` in this place", f"write `{key}: {value[:60]}`",
                place, place + 1, ((start, end, value),),
            )  # fmt: skip
    if second is not None and '"' not in rest and rest[0] not in "[{":
        value = f'"{rest}"'
        yield Remedy(
            "a second `: ` in this place", f"put the text into quotes: `{key}: {value[:60]}`",
            place, place + 1, ((start, end, value),),
        )  # fmt: skip
    if rest[:1] in ("'", '"') and "," in rest:
        yield Remedy(
            "several texts in this place", f"a list is in brackets: `{key}: [{rest[:60]}]`",
            start, start + 1, ((start, end, f"[{rest}]"),),
        )  # fmt: skip


def _first_word(line: _Line, problem: Problem) -> Iterator[Remedy]:
    """A word with a letter that has a meaning in YAML (``@``, a backtick, ``*``)."""
    place = problem.at - line.start
    if not 0 <= place < len(line.text):
        return
    match = re.match(r"[^\s,\[\]{}#]+", line.text[place:])
    if match and line.text[place] in "@`%*&!|>":
        word = match[0]
        if _is_layer(word[1:]):
            yield Remedy(
                f"{word[0]!r} cannot begin a word", f"write `{word[1:]}`",
                problem.at, problem.at + 1, ((problem.at, problem.at + 1, ""),),
            )  # fmt: skip
        yield Remedy(
            f"{word[0]!r} cannot begin a word", f'put it into quotes: `"{word[:40]}"`',
            problem.at, problem.at + 1, ((problem.at, problem.at + len(word), f'"{word}"'),),
        )  # fmt: skip


def _printed(text: str, lines: list[_Line], at: _Line) -> Iterator[Remedy]:
    """A model as PyTorch prints it, from its class's name to its ``)``."""
    if not re.search(r"^\s*\(\w+\): \w+\(", text, re.MULTILINE):
        return
    from netspec.advice.printed import spec_lines

    for first in lines:
        opened = re.match(r" *([A-Za-z_]\w*\()\Z", first.text.rstrip())
        if opened is None:
            continue
        closing = next(
            (line for line in lines[first.number + 1 :]
             if line.words == ")" and line.indent <= first.indent), None,
        )  # fmt: skip
        if closing is None:
            return
        start = first.start + first.indent
        made = spec_lines(text[start : closing.end])
        if made is None:
            return
        # Under `layers:` the lines begin deeper than it does.
        above = next((line for line in reversed(lines[: first.number]) if line.words), None)
        indent = first.indent
        if above is not None and indent <= above.indent:
            indent = above.indent + 2
        margin = "\n" + " " * indent
        written = " " * (indent - first.indent) + margin.join(made)
        is_sequence = opened[1] == "Sequential("
        help = "write its layers as a list or a mapping"
        if not is_sequence:
            help += "; in the order of forward, which a printed model does not show"
        yield Remedy(
            "this is a model as PyTorch prints it", help, start, first.end,
            ((start, closing.end, written),), is_sequence,
        )  # fmt: skip
        return


def _no_dash(lines: list[_Line], begin: _Line) -> Iterator[Remedy]:
    """A layer below others without the ``-`` that they have."""
    if not re.fullmatch(r"[A-Za-z_][\w.]*", begin.words) or begin.indent < 2:
        return
    above = next((line for line in reversed(lines[: begin.number]) if line.words), None)
    if above is None or not above.words.startswith("- ") or begin.indent != above.indent + 2:
        return
    start = begin.start + begin.indent
    yield Remedy(
        "there is no `-` before this layer", f"write `- {begin.words[:40]}`",
        start, begin.end, ((start - 2, start, "- "),),
    )  # fmt: skip


def _colon_after(line: _Line) -> Iterator[Remedy]:
    """``input [N, 8]``"""
    match = re.match(r" *(?:- +)?([A-Za-z_]\w*)( +)(?=[\[{(\w'\"$])", line.text)
    if match and ":" not in line.text[: line.end - line.start].partition(" {")[0]:
        start = line.start + match.start(1)
        place = line.start + match.end(1)
        rest = line.text[match.end() : line.end - line.start]
        yield Remedy(
            "there is no `:` after this key", f"write `{match[1]}: {rest[:40]}`",
            start, place, ((place, place, ":"),),
        )  # fmt: skip


def _no_colon(at: _Line, above: _Line) -> Iterator[Remedy]:
    word = above.words.removeprefix("- ")
    if _KEY.match(word) and not word.endswith(":"):
        start = above.end - len(word)
        cause = "there is no `:` after this key"
        if not above.words.startswith("-") or at.indent > above.indent:
            edits = ((above.end, above.end, ":"),)
            plain = not above.words.startswith("-")
            found = Remedy(cause, f"write `{word}:`", start, above.end, edits)
            if plain or not at.words.startswith("-"):
                yield found


def _indented(lines: list[_Line], at: _Line, above: _Line) -> Iterator[Remedy]:
    """Lines that are indented deeper than the one above, which holds nothing."""
    if at.indent <= above.indent:
        return
    group = [at]
    for line in lines[at.number + 1 :]:
        if line.words and line.indent < at.indent:
            break
        group.append(line)
    less = at.indent - above.indent
    edits = tuple((line.start, line.start + less, "") for line in group if line.words)
    one_by_one = edits[:1]
    cause = "this line is indented deeper than the one above, which holds no lines"
    if above.words.startswith("- ") and at.words.startswith("- "):
        cause = f"a list cannot stand under `{above.words[:40]}`, which takes none"
    start = at.start + at.indent
    for chosen in dict.fromkeys((edits, one_by_one)):
        yield Remedy(
            cause, f"begin it in column {above.indent + 1}, as the line above",
            start, start + max(1, len(at.words)), chosen,
        )  # fmt: skip


def _column_of(lines: list[_Line], at: _Line, begin: _Line) -> Iterator[Remedy]:
    """A line that begins in no column of those before it."""
    columns: list[int] = []
    for line in reversed(lines[: at.number]):
        if line.words and line.indent not in columns:
            columns.append(line.indent)
    columns.sort(key=lambda column: abs(column - at.indent))
    for column in columns[:3]:
        if column == at.indent:
            continue
        start = at.start + at.indent
        group = [at]
        for line in lines[at.number + 1 :]:
            if line.words and line.indent < at.indent:
                break
            group.append(line)
        shift = column - at.indent
        for members in (group, [at]):
            edits = tuple(
                (line.start, line.start + line.indent, " " * max(0, line.indent + shift))
                for line in members
                if line.words
            )
            yield Remedy(
                "this line begins in a column in which no line above does",
                f"begin it in column {column + 1}",
                start, start + max(1, len(at.words)), edits,
            )  # fmt: skip


# ---- lines


def _lines(text: str) -> list[_Line]:
    lines, start = [], 0
    for number, line in enumerate(text.split("\n")):
        lines.append(_Line(number, start, line.removesuffix("\r")))
        start += len(line) + 1
    return lines


def _line_at(lines: list[_Line], offset: int) -> _Line:
    before = [line for line in lines if line.start <= offset] or lines[:1]
    # The end of the text is of the last line that has words.
    return next((line for line in reversed(before) if line.words), before[-1])


def _without_comment(text: str) -> str:
    return re.sub(r"(?:^|\s)#.*\Z", "", text).rstrip()


def _depth(text: str) -> int:
    return sum(text.count(letter) for letter in "{[") - sum(text.count(c) for c in "]}")


def _is_layer(name: str) -> bool:
    from netspec.layers import LAYERS

    return any(name in (one.name, one.alias) for one in LAYERS)


def _obvious(layer: str) -> str | None:
    """The argument that a bare value of a layer of netspec sets."""
    from netspec.layers import LAYERS

    return next((one.obvious_argument for one in LAYERS if one.name == layer), None)
