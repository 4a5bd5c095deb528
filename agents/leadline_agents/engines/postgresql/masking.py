"""Removes secrets before anything leaves the host: literals in queries, passwords in connection strings, arguments of
shell commands."""

import re
from hashlib import sha256

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadline.redaction.redact import redact
from leadline.settings.agent import QueryText

MASK = "?"
UNREADABLE = "(not shown: it cannot be parsed)"
COMMANDS = {
    *("archive_command", "archive_cleanup_command", "restore_command", "recovery_end_command"),
    "ssl_passphrase_command",
}
"""Settings that hold a shell command."""

# https://www.postgresql.org/docs/current/sql-syntax-lexical.html. Names come before numbers and dollar quotes, which
# cannot begin inside one. What is cut off at the end is masked to the end.
_TOKEN = re.compile(
    r"""
    (?P<name> "(?:[^"]|"")*(?:"|\Z) )
  | (?P<literal>
        [eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)
      | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|\Z)
      | \$(?P<tag>(?:[^\W\d]\w*)?)\$ .*? (?:\$(?P=tag)\$|\Z)
      | (?:\d[\w.]*|\.\d[\w.]*)(?:(?<=[eE])[+-]\d+)?
    )
  | (?P<comment> --[^\n]* | /\* )
  | (?P<word> [^\W\d][\w$]* | \$\d+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
SECRET = re.compile("password|secret|scram")
"""Among libpq's keywords; sslkey and passfile are names of files."""
_ASSIGNMENT = re.compile(r"\w+=")
_WORDS = re.compile(r"\|\||&&|[;|&<>]|[^\s;|&<>]+")
_FILE = re.compile("%[pf]")
_PLAIN = frozenset(
    {"||", "&&", *";|&<>", "%p", "%f", "/dev/null", "true", "/bin/true", "/usr/bin/true", ":", "exit", "0"}
)
"""Words of a shell command that say nothing of what is secret."""
MASKED = "\u2026"


def show_query(text: str | None, how: QueryText) -> str | None:
    """The text of a query as far as the setting ``query_text`` allows it to leave the host."""
    if text is None or how == "off":
        return None
    return redact(text) if how == "full" else mask_query(text)


def mask_query(text: str) -> str:
    """SQL with every literal replaced and every comment removed; names, keywords and parameters stay.

    A backslash before a quote may or may not escape it (standard_conforming_strings), so all text after it is dropped.
    """
    shown: list[str] = []
    at = 0
    for start, end, replacement in _replacements(text):
        shown += text[at:start], replacement
        at = end
    return " ".join("".join([*shown, text[at:]]).split())


def _replacements(text: str) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    at = 0
    while token := _TOKEN.search(text, at):
        at = token.end()
        literal = token["literal"]
        if literal is not None and "\\'" in literal and literal[0] not in "eE":
            return [*found, (token.start(), len(text), MASK)]
        if literal is not None:
            found.append((token.start(), at, MASK))
        elif token["comment"] is not None:
            if token["comment"] == "/*":
                at = _comment_end(text, at)
            found.append((token.start(), at, " "))
    return found


def _comment_end(text: str, at: int) -> int:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, at)
        if edge is None:
            return len(text)
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
    return at


def show_setting(name: str, value: str) -> str:
    """The value of a server setting without the secrets in it."""
    if name == "primary_conninfo" and value:
        return _conninfo(value)
    if name in COMMANDS and value:
        return _command(value)
    return value


def _conninfo(value: str) -> str:
    try:
        parameters = conninfo_to_dict(value)
    except ProgrammingError:
        return UNREADABLE
    return make_conninfo("", **{key: text for key, text in parameters.items() if not SECRET.search(key)})


def _command(value: str) -> str:
    """The name of the program, what says nothing of its arguments, and a digest that shows when these change.

    ``%p`` and ``%f``, operators of the shell, and words such as ``true`` remain: they show whether it keeps the file.
    """
    words = value.split()
    program = next((word for word in words if not _ASSIGNMENT.match(word)), "")
    if words == [program]:
        return value
    shown = [program] if program else []
    for word in _WORDS.findall(value.partition(program)[2] if program else value):
        plain = word if word in _PLAIN else "".join([MASKED, *_FILE.findall(word.replace("%%", ""))])
        if plain != MASKED or shown[-1:] != [MASKED]:
            shown.append(plain)
    return f"{' '.join(shown)} #{sha256(value.encode()).hexdigest()[:8]}"
