"""Plugins found by their entry points: real distributions in a folder, real processes."""

from collections.abc import Callable
from typing import Any

import pytest

import netspec
from netspec.registry.installed import Installed

Install = Callable[..., None]
InFreshProcess = Callable[[str], Any]


@pytest.mark.parametrize(
    ("requires", "version", "refused"),
    [
        ("netspec>=0.1", "0.1.0", ""),
        ("netspec >= 0.1.1", "0.1", "netspec>=0.1.1"),
        ("netspec>=1.10", "1.9.9", "netspec>=1.10"),
        ("netspec>=1.0.0", "1", ""),
        ("netspec>=1,<2", "2.0", "netspec<2,>=1"),
        ("netspec>=0.1", "0.1.dev3", "netspec>=0.1"),
        ("netspec-tools>=9", "0.1", ""),
        ("netspec>=9; python_version < '3'", "0.1", ""),
    ],
)
def test_what_a_package_needs_of_netspec(requires: str, version: str, refused: str) -> None:
    one = Installed("a", "a", "1", "a", (requires,), None)
    assert one.refuses_version(version) == refused


def layers(*names: str, target: str = "torch.nn.ReLU") -> str:
    """The code of a plugin with these layers."""
    return f"""
        def rule(input: TensorType) -> Output:
            return Output(input.shape)

        @hookimpl
        def netspec_layers():
            return [LayerType(name, {target!r}, rule) for name in {names!r}]
        """


# All ways to be broken are those of tests/wheels/broken.py.
BROKEN = {
    "fails": "raise LookupError('the moon is full')",
    "linear": layers("linear"),
}

REPORT = """
    import json, sys
    import netspec
    from netspec.registry import default_registry

    spec = {"netspec": 1, "input": ["N", 4], "layers": [{"linear": 3}, "relu", "sunny", "Rainy"]}
    plan = netspec.plan(netspec.from_dict(spec))
    (unknown,) = netspec.check("netspec: 1\\ninput: [N, 4]\\nlayers: [moony]\\n")
    json.dump(
        {
            "plugins": {
                f"{plugin.package} {plugin.version}": plugin.problem
                for plugin in default_registry().plugins()
            },
            "layers": [layer.type for layer in plan.layers],
            "packages": {
                name: found.plugin.package
                for name, found in default_registry().layers().items()
            },
            "unknown": unknown.code,
            "notes": [note.message for note in unknown.notes],
            "torch": "torch" in sys.modules,
        },
        sys.stdout,
    )
    """


@pytest.fixture(scope="module")
def report(install: Install, in_fresh_process: InFreshProcess) -> Any:
    """What a process sees in which good and broken plugins are installed together."""
    for number, (name, code) in enumerate(BROKEN.items()):
        install(f"broken-{name}", f"0.{number}", code)
    install("broken-newer", "0.98", "raise AssertionError('imported')", needs="netspec>=99")
    install("a-sunny-plugin", "1.0", layers("sunny"))
    install("z-rainy-plugin", "2.0", layers("rainy", target="weather.Rainy"))
    install("glow-one", "1.1", layers("glow"))
    install("glow-two", "2.2", layers("ray", "glow"))
    install("entry-one", "3.1", layers("one"), entry="entry")
    install("entry-two", "3.2", layers("two"), entry="entry")
    return in_fresh_process(REPORT)


def test_built_in_layers_and_other_plugins_go_on_working(report: Any) -> None:
    assert report["layers"] == ["linear", "relu", "sunny", "rainy"]
    assert report["packages"]["sunny"] == "a-sunny-plugin"
    assert report["packages"]["linear"] == "netspec"
    assert report["plugins"]["a-sunny-plugin 1.0"] is None
    assert report["plugins"][f"netspec {netspec.__version__}"] is None


def test_a_plugin_that_needs_another_netspec_is_not_even_imported(report: Any) -> None:
    assert report["plugins"]["broken-newer 0.98"] == (
        "the plugin 'broken-newer' of broken-newer 0.98 needs netspec>=99, "
        f"but this is netspec {netspec.__version__}"
    )


def test_layers_of_one_name_are_told_apart_by_their_plugins(report: Any) -> None:
    assert "glow" not in report["packages"]
    assert report["packages"]["glow-one.glow"] == "glow-one"
    assert report["packages"]["glow-two.glow"] == "glow-two"
    assert report["packages"]["ray"] == "glow-two"


def test_two_packages_with_one_entry_point_name_are_told(report: Any) -> None:
    problems = [report["plugins"][f"entry-{package}"] for package in ("one 3.1", "two 3.2")]
    assert problems.count(None) == 1
    (problem,) = filter(None, problems)
    assert "entry-one 3.1" in problem
    assert "entry-two 3.2" in problem


def test_each_disabled_plugin_has_one_message_beside_an_unknown_layer(report: Any) -> None:
    assert report["unknown"] == "unknown-layer"
    problems = [problem for problem in report["plugins"].values() if problem]
    assert len(problems) == len(BROKEN) + 2  # newer, and one of two entries
    assert [note for note in report["notes"] if "disabled" in note] == [
        f"a plugin is disabled: {problem}" for problem in problems
    ]


def test_declarations_are_loaded_without_torch(report: Any) -> None:
    assert report["torch"] is False


def test_nothing_is_loaded_at_import(in_fresh_process: InFreshProcess) -> None:
    loaded = in_fresh_process(
        """
        import json, sys
        before = set(sys.modules)
        import netspec
        print(json.dumps(sorted(set(sys.modules) - before)))
        """
    )
    assert {"pluggy", "yaml", "torch", "numpy", "importlib.metadata"}.isdisjoint(loaded)
    assert [name for name in loaded if name.startswith("netspec.")] == ["netspec.version"]


LAZY = """
    import json, sys
    import netspec
    from netspec.registry import default_registry

    def imported():
        return sorted(name for name in sys.modules if name.startswith(("listed_", "silent_")))

    seen = {}
    for item in ("relu", "dawn", "listed-b.dusk", "Noon"):
        text = f"netspec: 1\\ninput: [N, 4]\\nlayers: ['{item}']\\n"
        assert netspec.check(text) == [], item
        seen[item] = imported()
    print(json.dumps(seen))
    """


def test_a_plugin_that_lists_its_layers_is_imported_for_them_alone(
    other_install: Install, other_process: InFreshProcess
) -> None:
    other_install("listed-a", "1.0", layers("dawn"), lists=["dawn"])
    other_install("listed-b", "1.0", layers("dusk"), lists=["dusk"])
    other_install("listed-c", "1.0", layers("noon", target="day.Noon"), lists=["noon"])
    assert other_process(LAZY) == {
        "relu": [],
        "dawn": ["listed_a"],
        "listed-b.dusk": ["listed_a", "listed_b"],
        "Noon": ["listed_a", "listed_b", "listed_c"],  # a class's name: nobody lists it
    }


UNLISTED = """
    import json
    import netspec
    from netspec.testing.kit import unlisted

    found = netspec.check("netspec: 1\\ninput: [N, 4]\\nlayers: [dusk]\\n")
    helps = [help for d in found for help in d.help]
    print(json.dumps([helps, unlisted("half_listed", ["dawn", "dusk"])]))
    """


def test_a_layer_that_its_package_does_not_list_is_told_with_the_line_to_write(
    other_install: Install, other_process: InFreshProcess
) -> None:
    other_install("half-listed", "1.0", layers("dawn", "dusk"), lists=["dawn"])
    line = 'dusk = "half_listed:dusk"'
    helps, law = other_process(UNLISTED)
    assert helps == [
        "half-listed 1.0 has it, but does not list it: its "
        f'pyproject.toml needs `{line}` under [project.entry-points."netspec.layers"]'
    ]
    assert law.startswith("half-listed does not list all its layers\nfix: ")
    assert law.endswith(line)


CHOSEN = """
    import json, os, sys
    import netspec
    from netspec.registry import default_registry

    seen = {}
    for choice in ("", "chosen-a", "chosen-a, nobody", "chosen-b,chosen-a"):
        os.environ["NETSPEC_PLUGINS"] = choice
        found = netspec.check("netspec: 1\\ninput: [N, 4]\\nlayers: [early]\\n")
        seen[choice] = {
            "plugins": {
                plugin.name: plugin.problem
                for plugin in default_registry().plugins()
                if plugin.package != "netspec"
            },
            "help": [help for d in found for help in d.help],
            "imported": sorted(name for name in sys.modules if name.startswith("chosen_")),
        }
    print(json.dumps(seen))
    """


def test_the_plugins_can_be_chosen(other_install: Install, other_process: InFreshProcess) -> None:
    other_install("chosen-a", "1.0", layers("late"), lists=["late"])
    other_install("chosen-b", "1.0", layers("early"), lists=["early"])
    seen = other_process(CHOSEN)
    left_out = "chosen-b 1.0 has it, but the plugin 'chosen-b' was not chosen"
    assert seen[""] == {"plugins": {}, "help": [left_out], "imported": []}
    assert seen["chosen-a"]["plugins"] == {"chosen-a": None}
    assert seen["chosen-a"]["help"] == [left_out]
    assert seen["chosen-a"]["imported"] == ["chosen_a"]
    assert seen["chosen-a, nobody"]["plugins"] == {
        "nobody": "the plugin 'nobody' is chosen, but not installed",
        "chosen-a": None,
    }
    assert seen["chosen-b,chosen-a"]["help"] == []


@pytest.mark.parametrize("layer", ["swiglu: 8", "transformer.geglu: 8"])
def test_a_package_that_is_known_but_not_installed_is_named(layer: str) -> None:
    nothing_installed = netspec.Registry()
    text = f"netspec: 1\ninput: [N, 4]\nlayers: [{layer}]\n"
    (found,) = netspec.check(text, registry=nothing_installed)
    assert found.code == "unknown-layer"
    assert found.help == ("`pip install netspec-transformer` provides it",)


REQUIRES = """
    import json, sys, netspec

    spec = "netspec: 1\\nrequires: [{}]\\ninput: [N, 4]\\nlayers: [relu]\\n"
    fine = ("there>=1.0", "there", "broken")
    wrong = ("broken>=1", "There-", "there>=2", "nobody-has-this", "'there[x]'", "'> 1'", "3")
    found = {}
    for text in (*fine, *wrong):
        found[text] = [f"{d.location}: {d.message}" for d in netspec.check(spec.format(text))]
    print(json.dumps([found, "there" in sys.modules]))
    """


def test_required_packages_are_looked_up_and_never_imported(
    other_install: Install, other_process: InFreshProcess
) -> None:
    other_install("there", "1.5", "raise AssertionError('imported')")
    other_install("broken", "unknown", "")
    found, is_imported = other_process(REQUIRES)
    assert not is_imported
    assert found.pop("there>=1.0") == found.pop("there") == found.pop("broken") == []
    assert {text: messages[0].partition(": ")[2] for text, messages in found.items()} == {
        "broken>=1": "the spec requires broken>=1, but broken unknown is installed",
        "There-": "'There-' is not a package with versions",
        "there>=2": "the spec requires there>=2, but there 1.5 is installed",
        "nobody-has-this": "the spec requires nobody-has-this, which is not installed",
        "'there[x]'": "'there[x]' is not a package with versions",
        "'> 1'": "'> 1' is not a package with versions",
        "3": "a package is a text, not the number 3",
    }
    assert all(
        message.startswith("<text>:2:") for messages in found.values() for message in messages
    )


PLAN_ONLY = """
    import json
    from netspec.registry import registry

    def installed_plugins():
        raise AssertionError("entry points were scanned")

    registry.installed_plugins = installed_plugins
    import netspec

    found = {}
    for layer in ("linear: 3", "Linear: 3", "a_layer_that_is_not_there"):
        spec = netspec.loads(f"netspec: 1\\ninput: [N, 4]\\nlayers: [{layer}]\\n")
        try:
            found[layer] = [warning.message for warning in netspec.plan(spec).warnings]
        except netspec.SpecError as error:
            found[layer] = [note.message for d in error.diagnostics for note in d.notes]
    print(json.dumps(found))
    """


def test_packages_that_cannot_be_listed_are_told(in_fresh_process: InFreshProcess) -> None:
    found = in_fresh_process(PLAN_ONLY)
    (told,) = found["linear: 3"]  # whose lints would have been asked
    assert "cannot be listed: AssertionError: entry points were scanned" in told
    assert found["Linear: 3"] == []
    (note,) = found["a_layer_that_is_not_there"]
    assert told == note
