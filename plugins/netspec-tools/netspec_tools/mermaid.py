"""A plan as a diagram for Mermaid (https://mermaid.js.org), which GitHub shows in Markdown."""

from __future__ import annotations

from pathlib import Path

from netspec.plugin import Plan, PlannedLayer, PlannedScope


def write(plan: Plan, path: Path) -> None:
    """Writes the diagram of a plan."""
    path.write_text(diagram(plan), encoding="utf-8")


def diagram(plan: Plan) -> str:
    """A box for each layer and merge, in one for each container; arrows carry shapes."""
    made = _Diagram()
    sources = [made.node(f"{given.name} {given.type}", "  ", "([{}])") for given in plan.inputs]
    shapes = [str(given.type) for given in plan.inputs]
    for source, shape in made.scope(plan.root, list(zip(sources, shapes, strict=True)), "  "):
        made.arrow((source, shape), made.node("output", "  ", "([{}])"))
    return "\n".join(["flowchart TD", *made.lines, *made.arrows, ""])


Value = tuple[str, str]  # the box that gives a value, and its shape


class _Diagram:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.arrows: list[str] = []
        self.count = 0

    def node(self, text: str, margin: str, form: str = "[{}]") -> str:
        name = f"n{self.count}"
        self.count += 1
        self.lines.append(f"{margin}{name}{form.format(_quoted(text))}")
        return name

    def arrow(self, value: Value, to: str) -> None:
        source, shape = value
        self.arrows.append(f"  {source} -- {_quoted(shape)} --> {to}")

    def child(
        self, child: PlannedLayer | PlannedScope, given: list[Value], margin: str
    ) -> list[Value]:
        """A layer, or a container with its layers; gives its outputs."""
        if isinstance(child, PlannedLayer):
            again = " (again)" if child.is_reused else ""
            node = self.node(f"{child.name}: {child.type}{again}", margin)
            for value in given:
                self.arrow(value, node)
            return [(node, str(output)) for output in child.outputs]
        self.lines.append(f"{margin}subgraph s{self.count}[{_quoted(child.name)}]")
        self.count += 1
        outputs = self.scope(child, given, margin + "  ")
        self.lines.append(f"{margin}end")
        return outputs

    def scope(self, scope: PlannedScope, given: list[Value], margin: str) -> list[Value]:
        """What stands in a container; gives its outputs."""
        if scope.steps is None:
            for child in scope.children:
                given = self.child(child, given, margin)
            return given
        values = dict(enumerate(given))
        for step in scope.steps:
            taken = [values[number] for number in step.inputs]
            if step.planned is not None:
                outputs = self.child(step.planned, taken, margin)
            else:
                text: str = step.kind
                if step.kind == "parameter" and step.child is not None:
                    text = f"{scope.parameters[step.child].name}: parameter"
                node = self.node(text, margin, "([{}])")
                for value in taken:
                    self.arrow(value, node)
                outputs = [(node, str(type)) for type in step.output_types]
            values.update(zip(step.outputs, outputs, strict=True))
        return [values[number] for number in scope.results.values]


def _quoted(text: str) -> str:
    """A label, in which quotes and signs of Markdown are written as entities."""
    escaped = "".join(
        letter if letter.isalnum() or letter in " _.,:()+-*/=[]" else f"#{ord(letter)};"
        for letter in text
    )
    return f'"{escaped}"'
