"""The shape of the house, read from the syntax trees: who imports whom, who reads a clock, what an index holds."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = {
    "leadline": 0,
    **dict.fromkeys(("leadline_agents", "leadline_streams", "leadline_sinks"), 1),
    "leadline_verify": 2,
    "leadline_console": 2,
    "leadline_lab": 3,
    "leadline_cli": 4,
}
"""Every room with its floor: imports go down only, and rooms on one floor never import each other."""
PACKAGES = {
    name: ROOT / name.removeprefix("leadline_") / name if name != "leadline" else ROOT / name for name in FLOORS
}
OUTSIDE = {"tests", "bench", "deploy", "docs"}

FAUST = {"faust", "mode"}
FAUST_FILES = {f"leadline_streams/runtime/{name}.py" for name in ("app", "recovery", "transport")}

PURE = (
    "leadline/model/",
    "leadline/catalogue/",
    "leadline_streams/judge/",
    "leadline_streams/engines/",
    "leadline_streams/rules/",
    "leadline_streams/causes/",
    "leadline_streams/audit/",
)
"""Everything that decides. It sees values and times that it is given, nothing else."""
PURE_MAY_IMPORT = (
    "leadline.numbers",
    "leadline.advisories.entry",
    "msgspec",
    "typing_extensions",
    "leadline.model",
    "leadline.interned_decode",
    "leadline.wire",
    "leadline.errors",
    "leadline.clock.epoch",
    "leadline.clock.moment",
    "leadline.catalogue",
    "leadline.own_incident",
    "leadline.pg_rights",
    "leadline.steps",
    "leadline.difference_words",
    "leadline.setting_words",
    "leadline.words",
    "leadline_streams.judge",
    "leadline_streams.engines",
    "leadline_streams.rules",
    "leadline_streams.causes",
    "leadline_streams.audit",
)
EFFECTS = {
    *("asyncio", "concurrent", "ctypes", "fcntl", "http", "logging", "mmap", "multiprocessing", "os", "pathlib"),
    *("random", "secrets", "select", "selectors", "shutil", "signal", "socket", "socketserver", "sqlite3", "ssl"),
    *("subprocess", "tempfile", "threading", "time", "urllib.request", "uuid"),
}
"""Modules of the standard library that read a clock, chance, or the world."""

REGISTRIES = {"leadline_streams/rules/__init__.py", "leadline_streams/causes/__init__.py"}
"""Packages whose files are found by being there, each named after the code it defines; the docs tests list them."""
INIT_DEFINES = {"leadline/model/__init__.py": {"Value"}} | {name: {"_found"} for name in REGISTRIES}
"""Definitions that an index may hold: the base of all values, which its modules import, and a registry's search."""


class Import(NamedTuple):
    module: str
    line: int
    late: bool
    """Inside a function: it runs when that is called."""
    for_types: bool
    """No program runs it."""


@dataclass(frozen=True)
class Source:
    name: str
    """Path from the source root: ``leadline_streams/judge/lag.py``."""
    code: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.code, self.name)

    @property
    def package(self) -> str:
        return self.name.split("/")[0]


def sources() -> list[Source]:
    return [
        Source(f"{package}/{path.relative_to(folder).as_posix()}", path.read_text())
        for package, folder in PACKAGES.items()
        for path in sorted(folder.rglob("*.py"))
    ]


SOURCES = sources()


def imports(source: Source) -> Iterator[Import]:
    """Every import, one for each name that ``from`` takes, relative ones made absolute."""
    here = source.name.split("/")[:-1]
    for node, late, for_types in statements(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, late, for_types)
        elif isinstance(node, ast.ImportFrom):
            parents = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, late, for_types)


def statements(block: ast.AST, late: bool = False, for_types: bool = False) -> Iterator[tuple[ast.AST, bool, bool]]:
    """Every statement within, whether it is in a function, and whether it is where no program comes."""
    for node in ast.iter_child_nodes(block):
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield node, late, for_types
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from statements(node, late or function, for_types or for_types_only(node))


def for_types_only(node: ast.AST) -> bool:
    """A block that no program runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def within(module: str, names: set[str] | tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in names)


def import_faults(source: Source) -> Iterator[str]:
    """The imports of a file that are not allowed."""
    pure = source.name.startswith(PURE)
    for module, line, late, for_types in imports(source):
        where = f"{source.name}:{line} imports {module}: "
        room = module.split(".")[0]
        if room in FLOORS and room != source.package:
            if FLOORS[room] > FLOORS[source.package]:
                yield where + "imports go down"
            elif FLOORS[room] == FLOORS[source.package]:
                yield where + "rooms of one floor meet only in Kafka"
            elif source.package == "leadline_cli" and room != "leadline" and not (late or for_types):
                yield where + "a command imports other rooms inside its function, so that it starts without them"
        if within(module, OUTSIDE):
            yield where + "the product does not need its tests or tools"
        if within(module, FAUST) and source.name not in FAUST_FILES:
            yield where + f"only {' and '.join(sorted(FAUST_FILES))} know Faust"
        if pure:
            stdlib = module.split(".")[0] in sys.stdlib_module_names
            if within(module, EFFECTS) or not (stdlib or within(module, PURE_MAY_IMPORT)):
                yield where + "what decides stays pure"


def dotted(source: Source) -> str:
    """A file's name as a module."""
    return source.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def circles(files: list[Source]) -> list[list[str]]:
    """Groups of files that import each other when they are loaded, imports for types included."""
    names = {dotted(source) for source in files}
    edges = {dotted(source): needs(source, names) for source in files}
    return [sorted(group) for group in components(edges) if len(group) > 1]


def needs(source: Source, names: set[str]) -> set[str]:
    """The modules among ``names`` that a file imports outside of functions. A package that it is in is none."""
    own = dotted(source)
    wanted = (found.module for found in imports(source) if not found.late)
    ends = {end for module in wanted for end in (module, module.rpartition(".")[0]) if end in names}
    return {end for end in ends if end != own and not own.startswith(end + ".")}


def components(edges: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of a graph (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for end in sorted(edges[name]):
            if end not in index:
                visit(end)
                low[name] = min(low[name], low[end])
            elif end in stack:
                low[name] = min(low[name], index[end])
        if low[name] == index[name]:
            place = stack.index(name)
            found.append(stack[place:])
            del stack[place:]

    for name in edges:
        if name not in index:
            visit(name)
    return found


CLOCKS = {
    *("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"),
    *("time.localtime", "time.gmtime", "time.ctime", "time.strftime", "time.sleep", "asyncio.sleep"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
}
LAST_WORDS = {clock.rpartition(".")[2] for clock in CLOCKS}


def clock_faults(source: Source) -> Iterator[str]:
    """Lines of a file that read or wait on a clock other than ``leadline.clock``. ``asyncio.sleep(0)`` only yields."""
    names: dict[str, str] = {}
    nodes = list(ast.walk(source.tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    yields = {
        id(node.func)
        for node in nodes
        if isinstance(node, ast.Call) and [getattr(arg, "value", None) for arg in node.args] == [0]
    }
    for node in nodes:
        if not isinstance(node, ast.Attribute | ast.Name) or id(node) in yields:
            continue
        last = node.attr if isinstance(node, ast.Attribute) else names.get(node.id, "").rpartition(".")[2]
        if last not in LAST_WORDS:
            continue
        text = ast.unparse(node)
        first, dot, rest = text.partition(".")
        full = names.get(first, first) + dot + rest
        if full in CLOCKS or re.search(r"loop(\(\))?\.time$", full):
            yield f"{source.name}:{node.lineno} uses {full}: take a leadline.clock.Clock or be given the time"


def test_every_package_is_seen() -> None:
    """The walk finds the files, so the tests below look at something."""
    assert {source.package for source in SOURCES} == set(PACKAGES)
    assert "leadline/model/alert.py" in {source.name for source in SOURCES}


def test_imports_go_down() -> None:
    """Rooms import lower floors only, Faust stays in its two files, and what decides is pure."""
    assert [fault for source in SOURCES for fault in import_faults(source)] == []


NEUTRAL = ("leadline_streams/judge/", "leadline_streams/runtime/", "leadline_sinks/notify/")
"""Rooms that serve every engine. What an engine means is in the folders ``engines/``."""
AN_ENGINE = re.compile(r"postgres|psycopg|pg_|\bwal\b|\blsn\b|parse_lsn|\"(?:physical|logical)\"", re.IGNORECASE)
COMPOSES = {"leadline_streams/assembly.py", "leadline_agents/engines/__init__.py", "leadline_agents/engine.py"}
"""Files that compose the engines."""


def engine_faults(source: Source) -> Iterator[str]:
    """Lines of a neutral file that name an engine or its terms."""
    if source.name.startswith(NEUTRAL) and "/engines/" not in source.name and source.name not in COMPOSES:
        for number, line in enumerate(source.code.splitlines(), 1):
            if AN_ENGINE.search(line):
                yield f"{source.name}:{number} names an engine: {line.strip()}"


def kind_faults(source: Source) -> Iterator[str]:
    """Comparisons with PostgreSQL's kinds of links, and its positions taken apart, outside of an engine's folder."""
    if "/engines/" in source.name or not source.name.startswith("leadline_streams/"):
        return
    for node in ast.walk(source.tree):
        compared = isinstance(node, ast.Compare) and {
            part.value
            for side in (node.left, *node.comparators)
            for part in ast.walk(side)
            if isinstance(part, ast.Constant)
        } & {"physical", "logical"}
        if compared or (isinstance(node, ast.Name) and node.id == "parse_lsn"):
            yield f"{source.name}:{node.lineno}: ask the engine: {ast.unparse(node)}"


def constants(block: ast.AST) -> set[object]:
    """Every constant within."""
    return {node.value for node in ast.walk(block) if isinstance(node, ast.Constant)}


def test_neutral_rooms_name_no_engine() -> None:
    """The fold, the processor, the notifier and the agent's core serve engines that are not there yet."""
    assert [fault for source in SOURCES for fault in engine_faults(source)] == []


def test_kinds_and_positions_are_the_engines() -> None:
    """Nothing outside of the engines' folders compares a kind of link or takes a position apart."""
    assert [fault for source in SOURCES for fault in kind_faults(source)] == []


@pytest.mark.parametrize(
    "code", ['if link.kind == "physical":\n    pass', "end = parse_lsn(text)", 'x = kind in ("logical", "gtid")']
)
def test_a_comparison_of_kinds_is_seen(code: str) -> None:
    """Each form is caught."""
    assert list(kind_faults(Source("leadline_streams/rules/x.py", code)))
    assert not list(kind_faults(Source("leadline_streams/engines/postgresql/x.py", code)))


def test_no_file_imports_in_a_circle() -> None:
    """No two files need each other, not even for types."""
    assert circles(SOURCES) == []


def test_a_circle_is_seen() -> None:
    """Files that import each other are found, also through a third and for types only."""
    code = {"a": "from leadline import b", "b": "import leadline.c", "c": "def f():\n    from leadline import a"}
    files = [Source(f"leadline/{name}.py", text) for name, text in code.items()]
    assert circles(files) == []
    files[2] = Source(
        "leadline/c.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from leadline import a"
    )
    assert circles(files) == [["leadline.a", "leadline.b", "leadline.c"]]


def test_no_clock_but_the_clock() -> None:
    """Only leadline/clock.py reads the time."""
    others = [source for source in SOURCES if source.name != "leadline/clock.py"]
    assert [fault for source in others for fault in clock_faults(source)] == []


@pytest.mark.parametrize(
    ("name", "code", "word"),
    [
        ("leadline_agents/x.py", "import leadline_sinks.slack", "meet"),
        ("leadline_sinks/x.py", "def f():\n    from leadline_streams import app", "meet"),
        ("leadline/wire.py", "def f():\n    import leadline_agents", "down"),
        ("leadline_streams/x.py", "def f():\n    import leadline_lab.sandbox", "down"),
        ("leadline_lab/x.py", "import leadline_cli", "down"),
        ("leadline_verify/x.py", "def f():\n    import leadline_lab.sandbox", "down"),
        ("leadline_console/x.py", "import leadline_verify", "meet"),
        ("leadline_cli/agent.py", "from leadline_agents import sampler", "inside its function"),
        ("leadline/model/x.py", "from ..clock import SystemClock", "pure"),
        ("leadline_streams/judge/x.py", "import asyncio", "pure"),
        ("leadline_streams/rules/x.py", "from urllib.request import urlopen", "pure"),
        ("leadline_streams/judge/x.py", "import orjson", "pure"),
        ("leadline_streams/judge/x.py", "from leadline_streams import runtime", "pure"),
        ("leadline_streams/lag.py", "from faust import App", "Faust"),
        ("leadline/wire.py", "from tests import require", "tests"),
    ],
)
def test_a_wrong_import_is_seen(name: str, code: str, word: str) -> None:
    """Each rule catches what it is for."""
    (fault,) = import_faults(Source(name, code))
    assert word in fault


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("leadline_cli/agent.py", "def f():\n    from leadline_agents import sampler"),
        ("leadline_lab/demo/x.py", "from leadline_sinks import service"),
        ("leadline_streams/runtime/app.py", "import faust"),
        ("leadline_streams/judge/x.py", "from leadline.clock import epoch\nfrom .lag import x\nimport bisect, msgspec"),
        ("leadline_streams/causes/x.py", "from urllib.parse import quote\nfrom leadline_streams.judge import links"),
    ],
)
def test_a_right_import_is_left_alone(name: str, code: str) -> None:
    """The rules allow what the house needs."""
    assert list(import_faults(Source(name, code))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.time()",
        "import time as t\nt.monotonic()",
        "from time import perf_counter as now\nnow()",
        "from datetime import datetime\ndatetime.now(UTC)",
        "import datetime as dt\ndt.datetime.utcnow()",
        "from datetime import date\nfield(default_factory=date.today)",
        "import asyncio\nasyncio.get_running_loop().time()",
        "self.loop.time()",
        "import asyncio\nawait asyncio.sleep(1)",
    ],
)
def test_a_clock_is_seen(code: str) -> None:
    """Each way to read the time is caught, also under another name."""
    assert list(clock_faults(Source("leadline/x.py", code))) != []


def test_a_given_time_is_no_clock() -> None:
    """Reading a Clock, taking apart a datetime and yielding to other tasks are fine."""
    code = "import asyncio\nfrom datetime import datetime\nclock.now(); moment.time(); datetime(2026, 1, 1)"
    code += "\nasyncio.sleep(0)"
    assert list(clock_faults(Source("leadline/x.py", code))) == []


def test_unit_tests_start_nothing() -> None:
    """Tests that start a process, listen or connect are in tests/integration."""
    files = [path for path in (ROOT / "tests/unit").rglob("*.py") if path != Path(__file__)]
    assert files
    outside = re.compile(r"^import (subprocess|socket)\b|\basyncio\.start_server\(|\bpsycopg\.connect\(", re.MULTILINE)
    assert [path.name for path in files if outside.search(path.read_text())] == []


INDEXES = [source for source in SOURCES if source.name.endswith("/__init__.py")]


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: index.name)
def test_an_index_only_describes(index: Source) -> None:
    """A package's ``__init__`` holds its docstring, imports and constants; code lives in files with a name."""
    defined = {
        getattr(node, "name", ast.unparse(node))
        for node in index.tree.body
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    }
    assert ast.get_docstring(index.tree)
    assert defined <= INIT_DEFINES.get(index.name, set())


@pytest.mark.parametrize(
    "index", [index for index in INDEXES if index.name not in REGISTRIES], ids=lambda index: index.name
)
def test_an_index_names_each_file(index: Source) -> None:
    """The docstring of a package names every module and package in it, and none that is not there."""
    folder = index.name.removesuffix("__init__.py")
    inside = {source.name.removeprefix(folder) for source in SOURCES if source.name.startswith(folder)}
    files = {name.removesuffix("/__init__.py").removesuffix(".py") for name in inside} - {"__init__"}
    children = {name for name in files if "/" not in name}
    docstring = ast.get_docstring(index.tree) or ""
    assert children - set(re.findall(r"``(\w+)``", docstring)) == set()
    assert set(re.findall(r"^``(\w+)``", docstring, re.MULTILINE)) - children == set()
