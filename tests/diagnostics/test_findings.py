"""Diagnostics as values and as text, beyond what the corpus shows."""

import pytest

import netspec
from netspec.diagnostics import (
    Diagnostic,
    Diagnostics,
    Location,
    Span,
    apply_fixes,
    did_you_mean,
    listed,
    nearest,
)
from netspec.diagnostics.nearest import LONGEST
from netspec.diagnostics.text import diagnostic_text, display_width, printable
from netspec.registry import default_registry
from netspec.source import TextSource

HEAD = "netspec: 1\ninput: [N, 8]\nlayers:\n"


def excerpt(line: str, span: str, width: int | None = None) -> list[str]:
    """The source line and its marks, as they are printed."""
    start = line.index(span)
    place = Location("m.yaml", 1, start + 1, 1, start + 1 + len(span), line)
    return diagnostic_text(Diagnostic("c", "message", place), width=width).splitlines()[1:]


def test_thousands_of_mistakes_are_counted_not_printed() -> None:
    found = netspec.check(HEAD + "  - reluu\n" * 1000)
    assert len(found) == 101
    assert [d.location.line for d in found[:3]] == [4, 5, 6]
    assert (found[-1].code, found[-1].message) == ("too-many", "900 more findings are not shown")


@pytest.mark.parametrize("width", [None, 40, 80, 200])
@pytest.mark.parametrize(
    ("before", "span", "after"),
    [
        ("- ", "relux", ""),
        ("\t\t- ", "relux", "\t# comment"),
        ("- 卷积层卷积层: ", "激活", " # 激活函数"),
        ("卷" * 5000, "激活", "函" * 5000),
        ("e\u0301" * 200, "re\u0301lu", "e\u0301" * 200),
        ("🔥 " * 100, "🔥", " 🔥" * 100),
        ("a\x1b[31mb ", "\x1b[0m", " \u202e x"),
        ("relu, " * 2000, "relux", ", relu" * 2000),
        ("", "x" * 5000, ""),
        ("- relu " + "x" * 300, "tail", ""),
    ],
)
def test_the_marks_are_under_the_span(
    before: str, span: str, after: str, width: int | None
) -> None:
    shown, marks = excerpt(before + span + after, span, width)
    start, count = marks.index("^"), marks.count("^")
    under = ""
    column = 0
    for letter in shown:
        belongs = column if display_width(letter) else column - 1  # an accent is over its letter
        if start <= belongs < start + count:
            under += letter
        column += display_width(letter)
    expected = printable(span.replace("\t", " "))
    assert under == expected or (count >= 10 and expected.startswith(under.rstrip(" .")))
    assert shown.isprintable()
    limit = width if width and width < 108 else 108
    assert display_width(shown) <= limit
    assert len(marks) <= limit


def test_a_span_over_several_lines_is_marked_to_the_end_of_its_first() -> None:
    (found,) = netspec.check("- linear: 10   \n- relu\n")
    assert str(found).splitlines()[1:3] == ["    1 | - linear: 10   ", "      | ^^^^^^^^^^^^"]


def test_color_frames_the_words_and_changes_none() -> None:
    (found,) = netspec.check(HEAD + "  - relux\n")
    colored = diagnostic_text(found, color=True)
    assert "\x1b[1;31merror:\x1b[0m" in colored
    assert "\x1b" not in diagnostic_text(found)
    plain = colored
    for code in ("\x1b[1;31m", "\x1b[1;36m", "\x1b[2m", "\x1b[0m"):
        plain = plain.replace(code, "")
    assert plain == diagnostic_text(found)


def test_an_error_is_its_whole_text() -> None:
    with pytest.raises(netspec.SpecError) as caught:
        netspec.loads(HEAD + "  - {repeat: 0, relu: }\n  - 5\n", "m.yaml")
    assert [d.code for d in caught.value.diagnostics] == ["bad-value", "bad-layer"]
    assert str(caught.value).startswith("m.yaml:4:14: error: `repeat` takes")
    assert "\n\nm.yaml:5:5: error: " in str(caught.value)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("reluu", "did you mean relu?"),
        ("ReLu", "did you mean relu?"),
        ("LINEAR", "did you mean linear?"),
        ("transformer", ""),
        ("", ""),
        ("x" * 100_000, ""),
    ],
)
def test_suggestions(word: str, said: str) -> None:
    assert did_you_mean(word, ["linear", "relu"]) == said


def test_lists_in_running_text() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a", "b"], "or") == "a or b"


@pytest.mark.parametrize(
    ("text", "columns"),
    [("relu", 4), ("卷积", 4), ("e\u0301", 1), ("🔥", 2), ("\x1b", 4), ("\u200d", 6)],
)
def test_the_columns_that_a_text_takes(text: str, columns: int) -> None:
    assert display_width(text) == columns


def test_help_is_looked_for_only_where_it_is_shown() -> None:
    """A mistake in a `repeat` is found in each copy: the words of one are enough."""
    asked: list[str] = []

    def help() -> str:
        asked.append("")
        return "write it"

    found = Diagnostics()
    span = Span(TextSource("relu", "m.yaml"), 0, 4)
    for _ in range(3):
        found.error("c", "message", span, help=[help])
    assert [finding.help for finding in found.found] == [("write it",)]
    for number in range(Diagnostics.LIMIT):
        found.error("c", f"message {number}", span, help=[help])
    assert found.left_out == 1
    assert len(asked) == Diagnostics.LIMIT


def test_an_error_after_a_hundred_warnings_is_one() -> None:
    found = Diagnostics()
    span = Span(TextSource("relu", "m.yaml"), 0, 4)
    for number in range(Diagnostics.LIMIT):
        found.warning("c", f"message {number}", span)
    assert not found.failed
    found.error("c", "message", span)
    assert found.failed


def test_a_long_line_is_cut_out_of_its_text_once() -> None:
    source = TextSource("relu " * 1000, "m.yaml")
    first, other = source.locate(0, 4), source.locate(5, 9)
    assert first.source_line is other.source_line


def test_near_words_are_sought_among_so_many_letters() -> None:
    words = [f"{'ab' * 20}{number:05}{'ba' * 20}" for number in range(20_000)]
    wanted = [word for word in words if len(word) <= LONGEST][:1]
    assert nearest(words[0] + "a", words) == wanted[0]
    assert nearest("b" * 10**6, words) is None


def test_a_help_with_edits_is_data_as_well_as_text() -> None:
    text = HEAD + "  - linear: {out_featuers: 4, bais: false}\n"
    found = netspec.check(text)
    assert [d.help for d in found] == [("did you mean out_features?",), ("did you mean bias?",)]
    first, other = (fix for d in found for fix in d.fixes)
    assert first.message == "did you mean out_features?"
    assert [edit.text for edit in first.edits] == ["out_features"]
    assert not first.is_certain
    mended = apply_fixes(text, [other, first, first])
    assert mended == HEAD + "  - linear: {out_features: 4, bias: false}\n"
    assert netspec.check(mended) == []


def test_a_fix_needs_a_text() -> None:
    spec = {"netspec": 1, "input": ["N", 8], "layers": [{"linear": {"out_featuers": 4}}]}
    with pytest.raises(netspec.SpecError) as caught:
        netspec.plan(netspec.from_dict(spec))
    (found,) = caught.value.diagnostics
    assert (found.help, found.fixes) == (("did you mean out_features?",), ())


def test_a_mistake_in_each_copy_is_one_finding() -> None:
    block = "layers: [{name: a, relu: }, {from: [a, b], add: }]"
    (found,) = netspec.check(HEAD + f"  blocks: {{repeat: 32, {block}}}\n")
    assert found.message == "there is no earlier value 'b' in blocks.0"
    assert found.notes[0].message == "in blocks.0, and 31 more"
    row = '{name: "h$(i)", from: "g$(i - 1)", relu: }'
    (found,) = netspec.check(HEAD + f"  - each: {{in: $(range(5)), as: i, layers: [{row}]}}\n")
    assert found.message == "there is no earlier value 'g-1' in the model"
    assert found.notes[0].message == "in entry 0 of `each`, and 4 more"


def test_two_mistakes_in_one_copy_are_two_findings() -> None:
    layers = "layers: [linear: {a: 1, b: 2}, tanh: 3]"
    found = netspec.check(HEAD + f"  - {{repeat: 3, {layers}}}\n")
    assert len(found) == 4


def test_an_error_says_what_is_wrong() -> None:
    with pytest.raises(TypeError, match="at least one diagnostic"):
        netspec.SpecError([])


def test_where_no_value_is_none_has_a_shape() -> None:
    """It was `ok` for check, and an error without a finding for plan."""
    text = (
        "netspec: 1\ninput: [N, 8]\noutputs: {out: a}\nauxiliary: ['$(max(in_features, 3))']\n"
        "layers: {a: relu, b: {from: input, tanh: }}\n"
    )
    (found,) = [one for one in netspec.check(text) if one.severity == "error"]
    assert found.message == "there is no value called 'in_features' here"
    with pytest.raises(netspec.SpecError, match="in_features"):
        netspec.plan(netspec.loads(text))


def test_no_plan_without_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a stage ever lose an error, check and plan both say so."""
    monkeypatch.setattr("netspec.expansion.scope.ScopeBuilder.finish", lambda *_: None)
    assert [one.code for one in netspec.check(HEAD + "  - relu\n")] == ["unplanned"]
    with pytest.raises(netspec.SpecError, match="unplanned"):
        netspec.plan(netspec.loads(HEAD + "  - relu\n"))


def test_a_copy_whose_finding_is_known_from_elsewhere() -> None:
    """It was an IndexError: the place of a finding that was dropped."""
    found = Diagnostics()
    span = Span(TextSource("relu", "m.yaml"), 0, 4)
    found.error("c", "message", span)
    for name in ("0", "1"):
        with found.copy(name):
            found.error("c", "message", span)
    assert [one.message for one in found.all()] == ["message"]


@pytest.mark.parametrize("value", ["[]", "{}", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"])
def test_advice_for_odd_values_of_any_layer(value: str) -> None:
    """`conv2d: []` was an IndexError of the advice; `check` never raises."""
    head = "netspec: 1\ninput: [N, 3, 8, 8]\nlayers:\n"
    for name in default_registry().layers():
        assert all(map(str, netspec.check(f"{head}  - {name}: {value}\n")))
