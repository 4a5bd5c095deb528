"""The messages of a server log that explain a failure of replication, without the data in them. Pure.

Texts are in the language of the server, so the SQLSTATE and the process decide where the server log shows them. The
usual log_line_prefix shows neither; then a message is recognized by its text.
"""

import re
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from leadline.model.server_log import LogLine
from leadline.redaction.redact import redact
from leadline.settings.agent import QueryText
from leadline_agents.engines.postgresql.log_records import Record
from leadline_agents.engines.postgresql.log_texts import recognized
from leadline_agents.engines.postgresql.masking import mask_query

MOST_LINES = 12
MOST_TEXT = 300
SUCCESS = ("00", "01")
"""Classes of SQLSTATEs that are no errors."""
REPLICATION: Final = frozenset(
    {
        "walreceiver",
        "walsender",
        "startup",
        "postmaster",
        "slotsync worker",
        "logical replication worker",
        "logical replication apply worker",
        "logical replication tablesync worker",
        "logical replication table synchronization worker",
        "logical replication parallel worker",
        "logical replication launcher",
    }
)
"""Types of processes whose errors are about replication or the whole server."""
SENDS_NO_DATA = ("00", "08", "0A", "23", "28", "3D", "42", "53", "54", "55", "57", "58", "XX")
"""Classes of SQLSTATEs whose messages name objects, settings and files, and no data."""

RAISED = "P0"
"""Class of the errors that functions raise, whose text may be made of data."""

CORRUPT = re.compile(
    r"invalid resource manager ID|incorrect resource manager data checksum|record with incorrect prev-link|"
    r"unexpected pageaddr|invalid magic number|invalid info bits|invalid block_id|contrecord|out-of-sequence|"
    r"invalid record offset|record length \d+ at .* too long|invalid record length"
)
_LSN = re.compile(r"\b[0-9A-F]{1,8}/[0-9A-F]{1,8}\b")
_OPEN, _CLOSE = '["\u00bb\u00ab\u201e\u201c\u300c]', '["\u00ab\u00bb\u201c\u201d\u300d]'
"""Quotation marks of many languages."""
_RELATION = re.compile(rf"{_OPEN}\s?([\w$]+\.[\w$]+)\s?{_CLOSE}")
_QUOTED = re.compile(rf"({_OPEN}).*?({_CLOSE})")
_LOGIN = re.compile("replication|r\u00e9plication|replikation", re.IGNORECASE)


def selected(found: Iterable[Record], query_text: QueryText) -> tuple[LogLine, ...]:
    """The newest messages about replication, oldest first; equal ones are counted."""
    lines: dict[tuple[str, str, str], LogLine] = {}
    for record in found:
        if (line := _line(record, query_text)) is not None:
            key = (line.process, line.code, line.message)
            before = lines.pop(key, None)
            lines[key] = line if before is None else replace(line, times=before.times + 1)
    return tuple(lines.values())[-MOST_LINES:]


def _line(record: Record, query_text: QueryText) -> LogLine | None:
    code, process = (record.code, record.process) if record.code else recognized(record.message)
    process = record.process or process
    if not _explains(record.message, code, process):
        return None
    relation, lsns = _RELATION.search(record.context), _LSN.findall(record.context)
    return LogLine(
        at=record.at,
        process=process,
        code=code,
        message=_shown(record.message, code, query_text),
        relation=relation[1] if relation is not None else None,
        lsn=lsns[-1] if relation is not None and lsns else None,
    )


def _explains(message: str, code: str, process: str) -> bool:
    failed = bool(code) and not code.startswith(SUCCESS)
    if process == "startup" and not failed:
        return bool(_LSN.search(message))
    if process in REPLICATION:
        return failed
    if process:
        return code.startswith("28") and bool(_LOGIN.search(message))
    return failed or bool(CORRUPT.search(message))


def _shown(message: str, code: str, query_text: QueryText) -> str:
    """A message as far as the setting ``query_text`` allows it to leave the host."""
    if query_text == "off" or (query_text == "masked" and code.startswith(RAISED)):
        return ""
    shown = redact(message)
    if query_text == "masked" and not code.startswith(SENDS_NO_DATA) and not CORRUPT.search(message):
        shown = mask_query(_QUOTED.sub(r"\1?\2", shown))
    return shown[:MOST_TEXT]
