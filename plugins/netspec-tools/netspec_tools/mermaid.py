"""A plan as a diagram for Mermaid (https://mermaid.js.org), which GitHub shows in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netspec.plugin import Interpreter, Node, Plan


def write(plan: Plan, path: Path) -> None:
    """Writes the diagram of a plan."""
    path.write_text(diagram(plan), encoding="utf-8")


def diagram(plan: Plan) -> str:
    """A box for each layer and merge, in one for each container; arrows carry shapes."""
    made = _Diagram()
    given = [
        (made.box(f"{value.name} {value.type}", "([{}])"), str(value.type)) for value in plan.inputs
    ]
    for value in made.run(plan.graph, given):
        made.arrow(value, made.box("output", "([{}])"))
    return "\n".join(["flowchart TD", *made.lines, *made.arrows, ""])


Value = tuple[str, str]  # the box that gives a value, and its shape


class _Diagram(Interpreter[Value]):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.arrows: list[str] = []
        self.count = 0
        self.margin = "  "

    def box(self, text: str, form: str = "[{}]") -> str:
        name = f"n{self.count}"
        self.count += 1
        self.lines.append(f"{self.margin}{name}{form.format(_quoted(text))}")
        return name

    def arrow(self, value: Value, to: str) -> None:
        source, shape = value
        self.arrows.append(f"  {source} -- {_quoted(shape)} --> {to}")

    def made(self, box: str, node: Node, given: list[Value]) -> list[Value]:
        for value in given:
            self.arrow(value, box)
        return [(box, str(type)) for type in node.types]

    def call_layer(self, node: Node, given: list[Value]) -> list[Value]:
        again = " (again)" if self.is_again or node.is_again else ""
        return self.made(self.box(f"{node.name}: {node.application.type.name}{again}"), node, given)

    def call_function(self, node: Node, given: list[Value]) -> list[Value]:
        return self.made(self.box(node.name, "([{}])"), node, given)

    def get_parameter(self, node: Node) -> Value:
        return self.made(self.box(f"{node.name}: parameter", "([{}])"), node, [])[0]

    def call_graph(self, node: Node, given: list[Value]) -> Sequence[Value]:
        self.lines.append(f"{self.margin}subgraph s{self.count}[{_quoted(node.name)}]")
        self.count += 1
        around, self.margin = self.margin, self.margin + "  "
        outputs = super().call_graph(node, given)
        self.margin = around
        self.lines.append(f"{self.margin}end")
        return outputs


def _quoted(text: str) -> str:
    """A label, in which quotes and signs of Markdown are written as entities."""
    escaped = "".join(
        letter if letter.isalnum() or letter in " _.,:()+-*/=[]" else f"#{ord(letter)};"
        for letter in text
    )
    return f'"{escaped}"'
