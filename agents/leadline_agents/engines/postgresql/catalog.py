"""The SQL for a server: for each query the file in ``queries/`` that is nearest at or below the server's version.

A file is named after its query and the first major version that it works with, ``slots-16.sql``, and begins with the
reasons for its columns. The only text ever inserted into SQL is that of other files of the same folder, and that of
``parts``: stubs in the place of what a server refuses.
"""

import re
from functools import cache
from pathlib import Path

from leadline_agents.engines.postgresql.parts import PARTS, substituted

OLDEST = 13
"""The first major version that Leadline reads."""

FRAME = "look"
"""The query of every interval, with a placeholder for each group of the model, such as ``{slots}``."""
VITALS = "vitals"
"""The query between two looks, with a placeholder for what only a subscriber has."""
SUBSCRIBER = "subscriber"
SESSION = "session"
SERVICE = "service"
NAMES = "names"
SETTINGS = "settings"
FILES = "files"
TABLES = "tables"
LOG_RIGHTS = "logrights"
LOG_PATH = "logpath"
LOG_TAIL = "logtail"
LOG_TAIL_BY = "logtailby"
REFUSED = "refused"
LISTED = "listed"
DATABASES = "databases"
AUDIT_SETTINGS = "auditsettings"
AUDIT_HBA = "audithba"
AUDIT_FILES = "auditfiles"
AUDIT_ROLES = "auditroles"
AUDIT_SENDERS = "auditsenders"
AUDIT_DATABASES = "auditdatabases"
AUDIT_EXTENSIONS = "auditextensions"
AUDIT_SUBSCRIPTIONS = "auditsubscriptions"
AUDIT_ORIGINS = "auditorigins"
AUDIT_UNLOGGED = "auditunlogged"

_FILE = re.compile(r"(?P<query>[a-z]+)-(?P<major>\d+)\.sql").fullmatch
_PLACE = re.compile(r"\{([a-z]+)\}")
_NO_ROW = "SELECT WHERE false"
_LISTS = {
    "functions": " ".join(sorted({name for part in PARTS.values() for name in part.functions})),
    "relations": " ".join(sorted({part.relation for part in PARTS.values() if part.relation})),
}
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)


@cache
def catalog() -> dict[str, dict[int, str]]:
    """Every query by name, then by its first major version; without comments."""
    found: dict[str, dict[int, str]] = {}
    for file in Path(__file__).with_name("queries").iterdir():
        if name := _FILE(file.name):
            text = _COMMENT.sub("", file.read_text("utf-8")).strip()
            found.setdefault(name["query"], {})[int(name["major"])] = text
    return found


def query(name: str, major: int) -> str:
    """The query of this name for a server of this major version: the nearest at or below it."""
    versions = catalog()[name]
    return versions[max(since for since in versions if since <= major)]


def whole(name: str, major: int, without: frozenset[str] = frozenset()) -> str:
    """The query with the text of every other one that it names in braces."""

    def filled(place: re.Match[str]) -> str:
        if place[1] in _LISTS:
            return _LISTS[place[1]]
        return _NO_ROW if place[1] in without else whole(place[1], major, without)

    return _PLACE.sub(filled, query(name, major))


@cache
def statement(
    name: str, version_num: int, without: frozenset[str] = frozenset(), refused: frozenset[str] = frozenset()
) -> bytes:
    """One statement that returns one row with one JSON document, for a ``server_version_num``.

    Groups in ``without`` are left out, as if they had no row. Parts in ``refused`` are not called.
    """
    return substituted(whole(name, version_num // 10000, without), refused).encode()
