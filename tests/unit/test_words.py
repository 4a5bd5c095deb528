"""The words of the tree: one class name in one room, docstrings that state what is promised, the field's own terms.

``python -m tests.unit.test_words`` prints the number of findings of each room, and
``python -m tests.unit.test_words streams/leadline_streams/judge docs`` prints the findings under those paths.
"""

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]

ROOMS = (
    *("leadline", "agents", "sinks", "verify", "console", "cli", "bench", "docs", "deploy", "pages"),
    *("streams/judge", "streams/engines", "streams/rules", "streams/causes", "streams/runtime", "streams"),
    *("lab/receiver", "lab/sandbox", "lab/demo", "lab"),
    *("tests/unit/streams", "tests/unit/sinks", "tests/unit/agents", "tests/unit/lab", "tests/unit/cli"),
    *("tests/unit", "tests/integration", "tests/zoo", "tests/faults", "tests"),
)
"""Parts of the tree. ``pages`` are those at the top: README.md, CONTRIBUTING.md, CHANGELOG.md."""

WORDS = {
    "mend": "repair, fix",
    "mends": "repairs, fixes",
    "mended": "repaired, fixed",
    "mending": "repairing",
    "glance": "fast path",
    "glances": "fast path",
    "courier": "notifier",
    "couriers": "notifiers",
    "datacentre": "datacenter",
    "datacentres": "datacenters",
    "trouble": "problem, failure, error",
    "troubles": "problems, failures, errors",
    "troubled": "failing",
    "calm": "healthy, quiet",
    "told": "notified, reported, sent",
    "tells": "reports, shows, states",
    "heard": "received, observed",
    "hears": "receives",
    "said": "reported, sent, stated",
    "knows": "has, holds, can read",
    "speaks": "sends, uses",
    "spoke": "sent",
}
"""Private words with the field's own. They are refused in prose and in the names that code defines."""
NAMES = {
    **WORDS,
    "hear": "receive, observe",
    "tell": "notify, send, report",
    "telling": "notifying, notification",
    "speak": "send",
    "well": "healthy",
}
"""Words that are refused as a part of a name that code defines."""
SPELLING = {
    r"\b(?:recogn|initial|synchron|summar|organ|normal|author|optim|minim|serial)is(?:e[ds]?|ing|ations?)\b": "-ize",
    r"\b(?:behavior|neighbor|favor)s?\b": "-our",
}
"""Forms that are refused in prose. It is spelled as Oxford's dictionaries do: recognize, but behaviour."""
PHRASES = {
    **SPELLING,
    r"\ba\s+word\s+(?:to|for|from|about|of\s+it)\b": "a notification",
    r"\bits\s+life\b": "its lifecycle, its timeline",
    r"\bno\s+news\b": "no change, unchanged",
}
QUESTIONS = re.compile(r"(What|Who|How|Where|Why)\b")

LOG = re.compile(r"(?<![\w./:$%{<='\"-])logs?(?:(?='s\b)|(?![\w/:}>'\"()=*-]|\.\w))", re.IGNORECASE)
"""The bare word; not a part of a name, a path, a setting or a file."""
LOG_BEFORE = (
    *("incident", "server", "process", "change", "notification", "event", "kernel", "audit", "append-only", "system"),
    *("write-ahead", "commit"),
)
"""Words that say which log is meant, before the word."""
LOG_AFTER = ("message", "messages", "line", "lines", "level", "levels", "record", "records", "format", "shipping")
"""Words after it: messages of our own process, and PostgreSQL's term ``log shipping``."""
LOG_VERB = re.compile(r"(?:(?<=we )|(?<=you )|(?<=to )|(?<=cannot ))log in\b|log in (?:as|to|with)\b", re.IGNORECASE)
LOG_TERM = re.compile(r"log sequence numbers?\b|Logs and events\b", re.IGNORECASE)
"""PostgreSQL's term, and the name of a page in the console of Amazon RDS."""

SUSPECT = re.compile(
    r"(?i:(?<![a-z])(?:{}|logs?|life|news|word|for it in)(?![a-z])|{})|(?<=[a-z])(?:{})(?![a-z])|{}".format(
        "|".join(NAMES),
        "|".join(SPELLING),
        "|".join(name.title() for name in NAMES),
        r'"""(?:What|Who|How|Where|Why)\b',
    )
)
"""Files of Python without a match are clean. The others are parsed, which takes a hundred times as long."""

ALLOWED: tuple[tuple[str, str, str], ...] = (
    (
        "sinks/leadline_sinks/incident_log/migrations/0001_log.sql",
        "log",
        "a migration that may be applied is not changed",
    ),
    ("leadline/model/delivery.py", "told_until", "a field on the wire"),
    ("leadline/metrics.py", "never_told", "a value on the wire"),
    ("docs/reference/metrics.md", "never_told", "a value on the wire"),
)
"""Path prefix, the text that may stand there, and why. Only for what is not ours: quotations and names of others."""


class Found(NamedTuple):
    path: str
    line: int
    kind: str
    """``docstring``, ``log``, ``word``, ``name`` or ``it``."""
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind}: {self.text}"


class Prose(NamedTuple):
    """A piece of text for people: a docstring, a comment, a message, a paragraph."""

    line: int
    text: str


def room(path: str) -> str:
    """The room of a file: the longest one that its path is in."""
    parts = path.replace("leadline_", "").split("/")
    if len(parts) == 1:
        return "pages"
    if parts[0] in ("agents", "streams", "sinks", "verify", "console", "lab", "cli"):
        parts = [parts[0], *parts[2:]]
    names = ("/".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((name for name in names if name in ROOMS), "pages")


def prose_check(text: str) -> Iterator[tuple[str, int, str]]:
    """Kind, offset and finding for every refused word in a text."""
    bare = re.sub(r"``[^`]*``|`[^`]*`|\]\([^)]*\)|https?://\S+", lambda hit: "\0" * len(hit[0]), text)
    for hit in re.finditer(r"[A-Za-z]+", bare):
        if better := WORDS.get(hit[0].lower()):
            yield "word", hit.start(), f"{hit[0]!r} ({better}): {around(text, hit)}"
    for phrase, better in PHRASES.items():
        for hit in re.finditer(phrase, bare, re.IGNORECASE):
            yield "word", hit.start(), f"{hit[0]!r} ({better}): {around(text, hit)}"
    for hit in LOG.finditer(bare):
        before = re.findall(r"[\w-]+", bare[: hit.start()])[-1:]
        after = re.findall(r"^\s+([\w-]+)", bare[hit.end() :])
        named = [word.lower() for word in before][:1]
        if named and named[0] in LOG_BEFORE and bare[: hit.start()].rstrip().lower().endswith(named[0]):
            continue
        if after and after[0].lower() in LOG_AFTER:
            continue
        if LOG_VERB.match(bare, hit.start()) or LOG_TERM.match(bare, hit.start()):
            continue
        yield "log", hit.start(), f"which log? {around(text, hit)}"


def around(text: str, hit: re.Match[str]) -> str:
    """A few words to each side, on one line."""
    return " ".join(text[max(0, hit.start() - 35) : hit.end() + 35].split())


def is_prose(text: str) -> bool:
    """Whether a string of code is text for people: more than a word, and not SQL."""
    return len(re.findall(r"[A-Za-z]{2,}", text)) > 1 and " " in text.strip() and not SQL.search(text)


SQL = re.compile(r"^\s*(SELECT|INSERT|CREATE|ALTER|DELETE|UPDATE|WITH|GRANT|REVOKE|COPY|DROP|SET|CASE|VALUES)\b")


@dataclass
class Code:
    """The words of a Python file."""

    docstrings: list[Prose] = field(default_factory=list)
    messages: list[Prose] = field(default_factory=list)
    names: list[tuple[int, str]] = field(default_factory=list)
    """Names that it defines: functions, classes, parameters, variables, attributes."""
    loops: list[tuple[int, str]] = field(default_factory=list)
    """Names that loops and comprehensions bind."""
    strings: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """Spans of strings by line, first and last column: a number sign in one of them begins no comment."""

    def take(self, node: ast.AST) -> None:
        """Add the words of a node and of everything within it."""
        for part in getattr(node, "body", None) or () if isinstance(node, BLOCKS) else ():
            if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant):
                self.docstrings.append(Prose(part.lineno, str(part.value.value)))
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                self.take_string(node, node.value)
            return
        if isinstance(node, ast.JoinedStr):
            self.take_string(
                node, "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            )
            for part in node.values:
                if not isinstance(part, ast.Constant):
                    self.take(part)
            return
        if isinstance(node, ast.Name | ast.Attribute):
            if isinstance(node.ctx, ast.Store):
                self.names.append((node.lineno, node.id if isinstance(node, ast.Name) else node.attr))
        elif isinstance(node, ast.arg):
            self.names.append((node.lineno, node.arg))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.names.append((node.lineno, node.name))
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension) and isinstance(node.target, ast.Name):
            self.loops.append((node.target.lineno, node.target.id))
        for child in ast.iter_child_nodes(node):
            self.take(child)

    def take_string(self, node: ast.Constant | ast.JoinedStr, text: str) -> None:
        """Add a string, which is prose or not."""
        if is_prose(text):
            self.messages.append(Prose(node.lineno, text))
        last = node.end_lineno or node.lineno
        for line in range(node.lineno, last + 1):
            begin = node.col_offset if line == node.lineno else 0
            self.strings[line].append((begin, (node.end_col_offset or 0) if line == last else sys.maxsize))

    def comments(self, code: str) -> Iterator[Prose]:
        """The comments of the file."""
        for number, line in enumerate(code.splitlines(), 1):
            if "#" in line:
                within = self.strings.get(number, ())
                for hit in re.finditer("#", line):
                    column = len(line[: hit.start()].encode())
                    if not any(begin <= column < end for begin, end in within):
                        yield Prose(number, line[hit.end() :].strip())
                        break


BLOCKS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def name_parts(name: str) -> list[str]:
    """The words of a name: ``seenAt``, ``SEEN_AT`` and ``seen_at`` have the same."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def python_findings(path: str, code: str) -> Iterator[Found]:
    """Everything that the words of a Python file break."""
    if not SUSPECT.search(f"{Path(path).stem}\n{code}"):
        return
    words = Code()
    words.take(ast.parse(code, path))
    for line, text in words.docstrings:
        if QUESTIONS.match(text):
            yield Found(path, line, "docstring", text.splitlines()[0])
    for line, text in sorted({*words.docstrings, *words.messages, *words.comments(code)}):
        for kind, offset, finding in prose_check(text):
            yield Found(path, line + text.count("\n", 0, offset), kind, finding)
    for name, line in {name: line for line, name in reversed([(1, Path(path).stem), *words.names])}.items():
        for part in name_parts(name):
            if better := NAMES.get(part):
                yield Found(path, line, "name", f"{name} ({better})")
    for line, name in words.loops:
        if name == "it":
            yield Found(path, line, "it", "name the thing that is looped over")


def page_findings(path: str, text: str) -> Iterator[Found]:
    """Everything that the words of a Markdown page break. Code blocks are left out."""
    text = re.sub(r"^```.*?^```", lambda hit: re.sub(r"[^\n]", " ", hit[0]), text, flags=re.MULTILINE | re.DOTALL)
    for kind, offset, finding in prose_check(text):
        yield Found(path, 1 + text.count("\n", 0, offset), kind, finding)


def comment_findings(path: str, text: str) -> Iterator[Found]:
    """Everything that the comments of a file of settings, a script or a query break."""
    for number, line in enumerate(text.splitlines(), 1):
        if hit := re.search(r"(?:^|\s)(?:#|--) (.*)", line):
            for kind, _, finding in prose_check(hit[1]):
                yield Found(path, number, kind, finding)


def allowed(found: Found) -> bool:
    return any(found.path.startswith(path) and re.search(text, found.text) for path, text, _ in ALLOWED)


READERS = {
    **dict.fromkeys((".py",), python_findings),
    **dict.fromkeys((".md",), page_findings),
    **dict.fromkeys((".yaml", ".yml", ".sql", ".sh", ".service", ".toml"), comment_findings),
}
TREES = (
    "leadline",
    "agents",
    "streams",
    "sinks",
    "verify",
    "console",
    "lab",
    "cli",
    "bench",
    "docs",
    "deploy",
    "tests",
)


def files() -> list[Path]:
    """Every file that has words of ours."""
    found = [path for tree in TREES for path in (ROOT / tree).rglob("*") if path.suffix in READERS]
    found += [path for path in ROOT.iterdir() if path.suffix in READERS or path.name == "Makefile"]
    return sorted(path for path in found if path != Path(__file__))


@cache
def findings() -> tuple[Found, ...]:
    """Everything that is found in the tree, in the order of its files."""
    found: list[Found] = []
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        found += READERS.get(path.suffix, comment_findings)(name, path.read_text())
    return tuple(finding for finding in found if not allowed(finding))


@cache
def shared_names() -> dict[str, list[str]]:
    """Classes of one name in several rooms of the product, with the files that define them."""
    homes: dict[str, dict[str, str]] = defaultdict(dict)
    for tree in ("leadline", "agents", "streams", "sinks", "verify", "console", "lab", "cli"):
        for path in sorted((ROOT / tree).rglob("*.py")):
            for name in re.findall(r"^\s*class (\w+)", path.read_text(), re.MULTILINE):
                homes[name][tree] = path.relative_to(ROOT).as_posix()
    return {name: list(places.values()) for name, places in homes.items() if len(places) > 1}


def test_one_class_name_lives_in_one_room() -> None:
    """A name means one thing: no two rooms define classes of the same name."""
    assert shared_names() == {}


@pytest.mark.slow
def test_a_room_uses_the_words_of_the_field() -> None:
    """No private word, no bare ``log``, no docstring that begins with a question."""
    assert files()
    assert [str(found) for found in findings()] == []


@pytest.mark.parametrize(
    "text",
    [
        *("The log is full.", "It reads the subscriber's log", "where a node is in the log", "Logs are kept"),
        *(
            "64 MB of log",
            "the log's volume",
            "mend the archive",
            "A courier waits.",
            "Nobody is told",
            "its life ends",
            "It recognises the server, whose behavior differs.",
        ),
    ],
)
def test_a_refused_word_is_found(text: str) -> None:
    """The check sees the word wherever it stands."""
    assert list(prose_check(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        *("The server log is full.", "The incident log", "a log message", "log shipping", "an append-only log"),
        *("we log in to the server", "the role that agents log in as", "the setting `log`", "``log`` is set"),
        *(
            "leadline.log",
            "pg-1.log",
            "log_min_messages",
            "WAL",
            "a log sequence number",
            "troubleshooting",
            "catalogue",
        ),
    ],
)
def test_a_word_of_the_field_is_left_alone(text: str) -> None:
    """The check refuses no name, no setting and no term of the field."""
    assert list(prose_check(text)) == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ('"""What a file holds."""\n', "docstring"),
        ('X = 1\n"""How long it waits."""\n', "docstring"),
        ("def heard() -> None: ...\n", "name"),
        ("class PagerTrouble: ...\n", "name"),
        ("def f(told): ...\n", "name"),
        ("[it for it in x]\n", "it"),
        ("for it in x: ...\n", "it"),
        ("# the end of the log\n", "log"),
        ('f(f"read the log of {node}")\n', "log"),
        ('f("nobody was told")\n', "word"),
    ],
)
def test_a_finding_in_code_is_seen(code: str, kind: str) -> None:
    """Docstrings, comments, messages and names are looked at."""
    assert [found.kind for found in python_findings("leadline/x.py", code)] == [kind]


def test_code_of_the_field_is_left_alone() -> None:
    """SQL, keys and our own process's logger are no prose."""
    code = 'log = logging.getLogger(__name__)\nQ = "SELECT * FROM leadline.log WHERE told"\nS = {"log": 1}\n'
    assert list(python_findings("leadline/x.py", code)) == []


def report(paths: list[str]) -> Iterator[str]:
    """The number of findings of each room; with paths, every finding under them."""
    if not paths:
        kinds: dict[str, Counter[str]] = {name: Counter() for name in ROOMS}
        for found in findings():
            kinds[room(found.path)][found.kind] += 1
        for name in sorted(ROOMS):
            yield f"{name:20} {kinds[name].total():5}   {dict(kinds[name]) or 'clean'}"
    for found in findings():
        if any(found.path == path.rstrip("/") or found.path.startswith(path.rstrip("/") + "/") for path in paths):
            yield str(found)
    for name, places in sorted(shared_names().items()):
        if not paths or any(place.startswith(path) for place in places for path in paths):
            yield f"class {name}: {', '.join(places)}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in report(sys.argv[1:]))
