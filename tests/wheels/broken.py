"""Packages with a plugin that is wrong, one for each way to be so, as texts of their modules."""

from typing import NamedTuple


class Package(NamedTuple):
    """A package of one module, called as the package with an underscore.

    ``says`` is in the message of the disabled plugin; ``finds`` is the code of the diagnostic and
    a part of its text where the plugin itself is fine, and its one layer is not. ``entry`` is what
    the entry point names, and how it is called.
    """

    code: str
    says: str = ""
    finds: tuple[str, str] = ("", "")
    needs: str = "netspec>=0.1"
    entry: tuple[str, str] = ("", "")


def layers(*names: str, target: str = "torch.nn.ReLU", rule: str = "Output(input.shape)") -> str:
    """The code of a plugin with these layers."""
    return f"""
def rule(input: TensorType) -> Output:
    return {rule}

@hookimpl
def netspec_layers():
    return [LayerType(name, {target!r}, rule) for name in {names!r}]
"""


def hook(body: str, arguments: str = "") -> str:
    return f"@hookimpl\ndef netspec_layers({arguments}):\n    {body}\n"


#: An exception and a value that fail where they are shown.
MUTE = """
class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no text")
    __repr__ = __str__
"""


def raising(problem: str) -> str:
    """A rule that raises."""
    return f"(_ for _ in ()).throw({problem})"


DISABLED = {
    "fails": Package("raise LookupError('the moon\\nis full')", "LookupError: the moon is full"),
    "lacks": Package("import not_installed_at_all", "No module named 'not_installed_at_all'"),
    "exits": Package("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
    "mute": Package(f"{MUTE}\nraise Mute", "Mute, whose text cannot be shown (RuntimeError)"),
    "wordy": Package("raise ValueError('x' * 10**6)", "ValueError: xxxxx"),
    "typo": Package("def broken(:", "SyntaxError"),
    "raises": Package(hook("1 // 0"), "netspec_layers failed: ZeroDivisionError"),
    "leaves": Package(hook("raise SystemExit('bye')"), "netspec_layers failed: SystemExit: bye"),
    "curious": Package(hook("return []", "spec"), "{'spec'} are declared in the hookimpl"),
    "misspelt": Package(
        "@hookimpl\ndef netspec_layer():\n    return []", "unknown hook 'netspec_layer'"
    ),
    "number": Package(hook("return 42"), "'int' object is not iterable"),
    "nothing": Package(hook("pass"), "it gives None, which is no list"),
    "text": Package(hook("return 'ab'"), "gives 'a', which is not a layer"),
    "rubbish": Package(f"{MUTE}\n{hook('return [Mute()]')}", "gives a Mute, which is not a layer"),
    "nameless": Package(layers("two words"), "calls a layer 'two words', which is no name"),
    "linear": Package(layers("linear"), "the layer 'linear' is registered twice"),
    "hijacks": Package(layers("Conv2d"), "the layer 'Conv2d' is registered twice"),
    "word": Package(layers("repeat"), "calls a layer 'repeat', a word of the language"),
    "twice": Package(layers("a", "a"), "gives the layer 'a' twice"),
    "classless": Package(
        layers("a", target="ReLU"), "the layer 'a' is not well declared: TypeError: 'ReLU' is not"
    ),
    "newer": Package("", "needs netspec>=99, but this is netspec", needs="netspec>=99"),
    "nowhere": Package("", "No module named 'no_such_module'", entry=("no_such_module", "")),
    "no-attribute": Package("", "has no attribute 'gone'", entry=("broken_no_attribute:gone", "")),
}

#: Two packages that call their plugins alike: one of them is told.
TWINS = {
    "twin-a": Package(layers("romulus"), entry=("broken_twin_a", "twin")),
    "twin-b": Package(layers("remus"), entry=("broken_twin_b", "twin")),
}

#: Two packages with layers of one short name: they are told apart.
GLOWS = {"glow-a": Package(layers("glow")), "glow-b": Package(layers("glow"))}

#: Their one layer is called as the package is, with an underscore: `broken_rule_raises`.
AT_CHECK = {
    "rule-raises": ("Output((1 // 0,))", "ZeroDivisionError: "),
    "rule-mute": (raising("Mute()"), "Mute, whose text cannot be shown"),
    "rule-exits": (raising("SystemExit(4)"), "SystemExit: 4"),
    "rule-nothing": ("None", "it gives None, which is no Output"),
    "rule-rubbish": ("Mute()", "it gives a Mute, which is no Output"),
    "rule-shape": ("Output(3)", "is 3, which is no tuple of sizes"),
    "rule-sizes": ("Output((2.5, None))", "is (2.5, None), which is no tuple of sizes"),
    "rule-less": ("Output((-1,))", "has the size -1, which is less than 0"),
    "rule-dtype": ("Output((1,), dtype='f32')", "'f32', which is no dtype of torch"),
    "rule-parameters": (
        "Output((1,), parameters=['w'])",
        "is ['w'], which is no mapping",
    ),
    "rule-weights": (
        "Output((1,), parameters={'w': (0.5,)})",
        "w is (0.5,), which is no tuple",
    ),
    "rule-macs": ("Output((1,), macs='many')", "macs is 'many', which is no size"),
    "rule-saves": ("Output((1,), saves=('moon',))", "it saves 'moon', which is no input"),
    "rule-needs": ("Output((1,), needs=(1,))", "needs is (1,), which is no tuple of Need"),
}

#: The classes of layers may be any that can be called.
CLASSES = """
def fragile():
    raise OSError("out of order")

def exits():
    raise SystemExit(5)
"""

AT_BUILD = {
    "class-nowhere": ("no_such_module.Sunny", "cannot be imported: ModuleNotFoundError"),
    "class-gone": ("torch.nn.Sunny", "torch.nn.Sunny cannot be imported: AttributeError"),
    "class-exits": ("broken_class_exits.exits", "cannot be made: SystemExit: 5"),
    "class-fragile": ("broken_class_fragile.fragile", "cannot be made: OSError: out of order"),
    "class-arguments": ("torch.nn.Linear", "torch.nn.Linear cannot be made: TypeError"),
    "class-other": ("builtins.dict", "makes a dict, not an nn.Module"),
}

HOOKS = {
    "device": Package(
        "@hookimpl\ndef netspec_resolve_device(request):\n    return 1 // 0\n",
        "netspec_resolve_device failed: ZeroDivisionError",
    ),
}


def module_of(name: str) -> str:
    return f"broken_{name.replace('-', '_')}"


def packages() -> dict[str, Package]:
    """All of them, by the name after ``broken-``."""
    found = {**DISABLED, **TWINS, **GLOWS, **HOOKS}
    for name, (rule, text) in AT_CHECK.items():
        code = MUTE + layers(module_of(name), rule=rule)
        found[name] = Package(code, finds=("rule-failed", text))
    for name, (target, text) in AT_BUILD.items():
        code = CLASSES + layers(module_of(name), target=target)
        found[name] = Package(code, finds=("build-failed", text))
    return found
