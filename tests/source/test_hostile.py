"""Input that wants to crash, hang or fill the machine: a diagnostic, quickly, in little memory."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

UNITS = 100.0  # on an idle machine nothing here takes half of it
MEGABYTES = 300
HEAD = "netspec: 1\ninput: [N, 8]\nlayers:\n"

#: Checks each file that it reads the path of, in a process of its own. Time of the cpu is told in
#: units that take a slow or busy machine longer too: the time of a loop, measured beside it.
SERVER = """
import json, os, resource, sys, time, traceback
import netspec, netspec.api, yaml

def check(path):
    resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    found = netspec.check(path)
    text = "\\n".join(map(str, found))
    used = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    start = time.process_time()
    sum(n * n for n in range(1_000_000))
    return [[d.code for d in found], text, used / (time.process_time() - start), grown]

netspec.check("netspec: 1\\ninput: [N]\\nlayers: [relu]\\n")
for line in sys.stdin:
    process = os.fork()
    if process == 0:
        try:
            answer = check(json.loads(line))
        except BaseException:
            answer = traceback.format_exc()
        print(json.dumps(answer), flush=True)
        os._exit(0)
    _, status = os.waitpid(process, 0)
    if status:
        print(json.dumps(f"the process ended with status {status}"), flush=True)
"""

Server = subprocess.Popen[str]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def check(path: Path, server: Server) -> list[str]:
    """The codes of the findings about a file; fails where they take too long or too much."""
    assert server.stdin is not None
    assert server.stdout is not None
    print(json.dumps(str(path)), file=server.stdin, flush=True)
    answer = json.loads(server.stdout.readline())
    assert isinstance(answer, list), answer
    codes, text, used, grown = answer
    assert used < UNITS, f"{used:.1f} units"
    assert grown < MEGABYTES, f"{grown:.0f} MB"
    assert len(text) < 100_000
    assert isinstance(codes, list)
    return codes


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [relu, relu, relu, relu, relu, relu, relu, relu, relu]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def nested(levels: int) -> str:
    return "[{residual: " * levels + "[relu]" + "}]" * levels


def let_each(expression: str, first: str) -> str:
    """Sixty names, each computed from the one before."""
    values = [first] + [expression.replace("a", f"a{n}") for n in range(59)]
    return ", ".join(f'a{n}: "{value}"' for n, value in enumerate(values))


STARS = ", ".join(["'*'"] * 1000)
HOSTILE = {
    "brackets": ("[" * 2**20, "too-deep"),
    "braces": ("{a: " * 2**18, "too-deep"),
    "dashes": ("- " * 2**19, "too-deep"),
    "question marks": ("? " * 2**19, None),
    "alias bomb": (bomb(8), "too-large"),
    "alias bomb in the layers": (bomb(8) + HEAD + "  - *a7\n", "too-large"),
    "cyclic alias": (HEAD + "  - &a [relu, *a]\n", "alias-cycle"),
    "cyclic alias of a mapping": ("&a {netspec: *a}\n", "alias-cycle"),
    "unknown alias": (HEAD + "  - *nobody\n", "unknown-alias"),
    "nul bytes": (HEAD + "  - relu\x00\n", "bad-character"),
    "only nul bytes": ("\x00" * 2**20, "bad-character"),
    "escaped nul": (HEAD + '  - "re\\0lu"\n', "unknown-layer"),
    "tag of python": (HEAD + "  - !!python/object/apply:os.system ['true']\n", "yaml-tag"),
    "tag of a scalar": (HEAD + "  - !!python/name:os.system relu\n", "yaml-tag"),
    "100,000 tags": (HEAD + "  - !x relu\n" * 100_000, "yaml-tag"),
    "scalar of 10 MB": (HEAD + "  - " + "a" * 10**7 + "\n", "too-large"),
    "scalar of 4 MB": (HEAD + "  - " + "a" * (4 * 10**6) + "\n", "too-long"),
    "flow list of 10 MB": ("[" + "1," * (5 * 10**6) + "]", "too-large"),
    "flow list of 4 MB": ("[" + "1," * (2 * 10**6) + "]", "too-large"),
    "100,000 keys": (HEAD + "".join(f"  k{n}: relu\n" for n in range(100_000)), None),
    "100,000 keys of the root": ("".join(f"k{n}: 1\n" for n in range(100_000)), "too-many"),
    "100,000 equal keys": ("k: 1\n" * 100_000, "too-many"),
    "100,000 requirements": (
        "netspec: 1\nrequires: ["
        + ", ".join(f"torch>=0.0.{n}" for n in range(100_000))
        + "]\ninput: [N, 8]\nlayers: [relu]\n",
        "bad-requires",
    ),
    "100,000 unknown layers": (HEAD + "".join(f"  - k{n}\n" for n in range(100_000)), "too-many"),
    "100,000 unknown arguments": (
        HEAD + "  - relu: {" + ", ".join(f"k{n}: 1" for n in range(100_000)) + "}\n",
        "too-long",
    ),
    "100,000 anchors": (HEAD + "".join(f"  - &a{n} relu\n" for n in range(100_000)), None),
    "merge keys": ("a: &a {netspec: 1}\n<<: *a\n", "unknown-key"),
    "number of 5,000 digits": (HEAD + f"  - linear: {'9' * 5000}\n", "number-too-long"),
    "fraction of 5,000 digits": (HEAD + f"  - linear: 0.{'9' * 5000}\n", "number-too-long"),
    "hexadecimal of 5,000 digits": (HEAD + f"  - linear: 0x{'f' * 5000}\n", "number-too-long"),
    "exponent": (HEAD + "  - linear: 1e999999999\n", "bad-argument"),
    "repeat": (HEAD + "  - {repeat: 1000000000, relu: }\n", "too-many-layers"),
    "nested repeats": (
        HEAD + "  - " + "{repeat: 99, layers: [" * 30 + "relu" + "]}" * 30 + "\n",
        "too-many-layers",
    ),
    "many repeats": (HEAD + "  - {repeat: 199999, relu: }\n" * 2, "too-many-layers"),
    "as many layers as allowed": (HEAD + "  - {repeat: 199990, relu: }\n", None),
    "lone surrogate in an escape": (HEAD + '  - "\\ud800"\n', "yaml-syntax"),
    "byte order mark inside": (HEAD + "  - re\ufefflu\n", None),
    "two byte order marks": ("\ufeff\ufeff" + HEAD + "  - relu\n", None),
    "byte order mark": ("\ufeff" + HEAD + "  - relu\n", None),
    "CRLF": ((HEAD + "  - reluu\n").replace("\n", "\r\n"), "unknown-layer"),
    "CR": ((HEAD + "  - reluu\n").replace("\n", "\r"), "unknown-layer"),
    "escape codes for the terminal": (HEAD + '  - "\\x1b[2J"\n', "unknown-layer"),
    "C1 control characters": (HEAD + "  - relu\x9b2J\n", "bad-character"),
    "empty": ("", "empty"),
    "blank": ("  \n\n", "empty"),
    "only a comment": ("# nothing\n", "empty"),
    "several documents": (HEAD + "  - relu\n---\n" + HEAD, "several-documents"),
    "directives": ("%YAML 3.0\n---\n" + HEAD + "  - relu\n", "yaml-syntax"),
    "deep residuals": (HEAD + f"  {nested(40)}\n".replace("  [", "  - [", 1), None),
    "too deep residuals": (HEAD + f"  - {nested(2000)}\n", "too-deep"),
    "many branches": (HEAD + "  - concat: [" + "[], " * 100_000 + "]\n", None),
    "a list as a key": ("? [a, b]\n: 1\n", "bad-key"),
    "a shape of 100,000 sizes": (
        f"netspec: 1\ninput: [{', '.join(['2'] * 100_000)}]\nlayers: [flatten]\n",
        "bad-input",
    ),
    "sizes beyond int64": (
        f"netspec: 1\ninput: [{', '.join([str(2**63 - 1)] * 64)}]\nlayers: [flatten]\n",
        "too-large-tensor",
    ),
    "products of names": (
        f"netspec: 1\ninput: [{', '.join(f'A{n}' for n in range(64))}]\nlayers: [flatten: 0]\n",
        None,
    ),
    "a tuple of 100,000": (HEAD + f"  - linear: [{'1, ' * 100_000}]\n", "bad-argument"),
    "strides without end": (
        "netspec: 1\ninput: [N, 1, L]\nlayers:\n"
        + "  - conv1d: {out_channels: 1, kernel_size: 3, stride: 3}\n" * 1000,
        "shape-mismatch",
    ),
    "quoted line breaks": (HEAD + '  - "' + "a\n\n" * 10**5 + '"\n', None),
    "comments": ("#" * 10**6 + "\n" + HEAD + "  - relu\n", None),
    "a list that doubles itself": (
        HEAD + "  - {let: {" + let_each("$([a, a])", "$([0])") + "}, relu: }\n",
        "bad-expression",
    ),
    "a text that doubles itself": (
        HEAD + "  - {let: {" + let_each("$(a + a)", "$('ab')") + "}, relu: }\n",
        "bad-expression",
    ),
    "a number that squares itself": (
        HEAD + "  - {let: {" + let_each("$(a * a)", "$(3)") + "}, relu: }\n",
        "bad-expression",
    ),
    "powers": (HEAD + "  - linear: $(9 ** 9 ** 9 ** 9)\n", "bad-expression"),
    "powers of sizes": (HEAD + "  - linear: $(shape[0] ** 64 ** 8)\n", "bad-expression"),
    "an endless range": (HEAD + "  - linear: $(sum(range(10 ** 18)))\n", "bad-expression"),
    "a long list": (HEAD + "  - linear: $(len([0] * 10 ** 9))\n", "bad-expression"),
    "rounded to a billion digits": (HEAD + "  - dropout: $(round(0.5, -10 ** 9))\n", None),
    "rounded far": (HEAD + "  - linear: $(round(5, -10 ** 9))\n", "bad-expression"),
    "deep parentheses": (HEAD + f"  - linear: $({'(' * 200}1{')' * 200})\n", None),
    "many minuses": (HEAD + f"  - linear: $({'-' * 480}1)\n", "bad-expression"),
    "rows without end": (
        HEAD
        + "  - each: {in: $(range(10000)), layers: [{each: {in: $(range(10000)), layers: []}}]}\n",
        "too-many-layers",
    ),
    "left out under a name of nobody": (
        HEAD + "  - {when: false, name: $nobody, relu: }\n",
        None,
    ),
    "names of nobody": (
        HEAD + "  - {name: $nobody, relu: }\n  - {use: $nobody}\n  - {from: $nobody, relu: }\n"
        "  - {device: $nobody, relu: }\noutputs: [$nobody]\nregister: [$nobody]\n",
        "bad-expression",
    ),
    "blocks that double": (
        "netspec: 1\ninput: [N, 8]\nblocks:\n  b0: [relu]\n"
        + "".join(f"  b{n}: [b{n - 1}, b{n - 1}]\n" for n in range(1, 60))
        + "layers: [b59]\n",
        "too-many-layers",
    ),
    "a deep chain of blocks": (
        "netspec: 1\ninput: [N, 8]\nblocks:\n  b0: [relu]\n"
        + "".join(f"  b{n}: [b{n - 1}]\n" for n in range(1, 2000))
        + "layers: [b1999]\n",
        "too-deep",
    ),
    "blocks in a ring": (
        "netspec: 1\ninput: [N, 8]\nblocks:\n"
        + "".join(f"  b{n}: [b{(n + 1) % 500}, b{(n + 2) % 500}]\n" for n in range(500))
        + "layers: [b0]\n",
        None,
    ),
    "1,000 variants of many layers": (
        "netspec: 1\ninput: [N, 8]\nparams: {n: 1}\nvariants:\n"
        + "".join(f"  v{n}: {{n: {900 + n}}}\n" for n in range(1000))
        + "layers: [{repeat: $n, relu: }]\n",
        "unchecked-variants",
    ),
    "10,000 variants": (
        "netspec: 1\ninput: [N, 8]\nparams: {n: 1}\nvariants:\n"
        + "".join(f"  v{n}: {{n: {n}}}\n" for n in range(10_000))
        + "layers: [{linear: $n}]\n",
        "too-many-variants",
    ),
    "30,000 references to nobody": (
        HEAD + "".join(f"  a{n}: {{from: nobody, relu: }}\n" for n in range(30_000)),
        "too-many",
    ),
    "30,000 items in a cycle": (
        HEAD + "".join(f"  a{n}: {{from: a{(n + 1) % 30_000}, relu: }}\n" for n in range(30_000)),
        "too-many",
    ),
    "each item reads all before it": (
        HEAD + "  a: relu\n" + "".join(f"  b{n}: {{from: '*', add: }}\n" for n in range(5000)),
        "too-many-reads",
    ),
    "1,000 patterns of outputs": (
        HEAD + "".join(f"  b{n}: relu\n" for n in range(1000)) + f"outputs: [{STARS}]\n",
        "too-many-reads",
    ),
    "1,000 patterns of children": (
        HEAD + "".join(f"  b{n}: relu\n" for n in range(1000)) + f"register: [{STARS}]\n",
        "too-many-reads",
    ),
    "a pattern of many stars": (
        HEAD
        + "".join(f"  {'a' * 90}{n}: relu\n" for n in range(1000))
        + f"  c: {{from: '{'*a' * 40}*b', add: }}\n",
        "unknown-reference",
    ),
    "30,000 ties of nobody": (
        HEAD
        + "".join(f"  b{n}: {{linear: 8}}\n" for n in range(30_000))
        + "tie:\n"
        + "".join(f"  c{n}.weight: b{n}.weight\n" for n in range(30_000)),
        "too-many",
    ),
    "100,000 ties": (
        HEAD + "  - linear: 8\ntie:\n" + "".join(f"  k{n}: '0.weight'\n" for n in range(100_000)),
        "too-many",
    ),
    "spaces": (" " * 10**6 + HEAD, None),
    "tabs": ("\t" * 10**6, None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text(name: str, server: Server, tmp_path: Path) -> None:
    text, code = HOSTILE[name]
    path = tmp_path / "spec.yaml"
    path.write_bytes(text.encode())
    codes = check(path, server)
    assert code is None or code in codes, codes


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"netspec: 1\nname: \xff\xfe\n", "not-utf-8"),
        ("netspec: 1\n".encode("utf-16"), "not-utf-8"),
        (b"\xed\xa0\x80", "not-utf-8"),  # a surrogate as UTF-8
        (b"\xff" * 10**7, "too-large"),
        (os.urandom(2**20), None),
        (bytes(range(256)), None),
    ],
    ids=["latin", "utf-16", "surrogate", "10 MB", "noise", "all bytes"],
)
def test_hostile_bytes(data: bytes, code: str | None, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(data)
    codes = check(path, server)
    assert codes
    assert code is None or code in codes, codes


def test_a_folder_a_missing_file_and_a_pipe(server: Server, tmp_path: Path) -> None:
    assert check(tmp_path, server) == ["unreadable-file"]
    assert check(tmp_path / "nothing.yaml", server) == ["unreadable-file"]
    assert check(Path("/dev/null"), server) == ["empty"]
    if Path("/dev/zero").exists():
        assert check(Path("/dev/zero"), server) != []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(HEAD)
    path.chmod(0)
    assert check(path, server) == ["unreadable-file"]
