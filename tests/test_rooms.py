"""The imports between the rooms of `netspec/`: one direction, as docs/architecture.md draws them.

``python -m tests.test_rooms`` draws them anew.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: begin -->\n", "<!-- rooms: end -->\n"
#: What everybody may import, and those who call everything: they would hide the way of the data.
NOT_DRAWN = {"netspec", "version", "__main__", "plugin", "testing", "scaffold"}

Imports = dict[str, set[str]]


def rooms() -> Imports:
    """By room (a folder, or a file beside the folders): those that its modules import on top."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / "netspec").rglob("*.py")
    }
    found: Imports = {}
    for name, path in modules.items():
        here = found.setdefault(room(name), set())
        for target in imported(ast.parse(path.read_text("utf-8"))):
            while target not in modules:
                target = target.rpartition(".")[0]
            here.add(room(target))
    return {name: others - {name} for name, others in found.items()}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def imported(module: ast.Module) -> Iterator[str]:
    """The modules of netspec, or their names, that are imported when a module is."""
    waiting: list[ast.stmt] = list(module.body)
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.If) and "TYPE_CHECKING" not in ast.dump(statement.test):
            waiting += statement.body + statement.orelse
        elif isinstance(statement, ast.Import):
            yield from (one.name for one in statement.names if one.name.startswith("netspec"))
        elif isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(
            "netspec"
        ):
            yield from (f"{statement.module}.{one.name}" for one in statement.names)


def reached(start: str, imports: Imports) -> set[str]:
    """All rooms that a room imports, directly or through others."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for other in imports.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def drawing(imports: Imports) -> str:
    """A Mermaid diagram without the arrows that follow from others."""
    drawn = {a: {b for b in others if b not in NOT_DRAWN} for a, others in imports.items()}
    lines = [
        f"    {name} --> {other}"
        for name in sorted(drawn)
        if name not in NOT_DRAWN
        for other in sorted(drawn[name])
        if not any(other in reached(third, drawn) for third in drawn[name] - {other})
    ]
    return "\n".join([f"{BEGIN}```mermaid", "flowchart TD", *lines, f"```\n{END}"])


def test_no_room_imports_itself_through_others() -> None:
    imports = rooms()
    assert {"spec", "expansion", "graph", "planning", "building", "placement"} <= imports.keys()
    assert [name for name in imports if name in reached(name, imports)] == []


def test_the_page_draws_the_imports_as_they_are() -> None:
    _, begin, rest = PAGE.read_text("utf-8").partition(BEGIN)
    drawn, end, _ = rest.partition(END)
    assert f"{begin}{drawn}{end}" == drawing(rooms()), "run `python -m tests.test_rooms`"


def test_the_page_describes_every_room() -> None:
    page = PAGE.read_text("utf-8")
    described = set(page.split("`"))
    assert {name for name in rooms() if name not in described} <= {"__main__"}


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + drawing(rooms()) + rest.partition(END)[2], "utf-8")
