"""Values of a server's settings as people write them: ``10s``, ``-1 (unlimited)``, ``10s → -1 (unlimited)``."""

import re
from typing import Final

from leadline.model.incident import Change

_SIZES: Final = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_TIMES: Final = {"us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_UNIT: Final = re.compile(r"(\d*)([A-Za-z]+)", re.ASCII).fullmatch
_UNLIMITED: Final = frozenset(
    {"max_slot_wal_keep_size", "max_standby_archive_delay", "max_standby_streaming_delay", "temp_file_limit"}
)
"""Settings of which -1 lifts the limit."""


def written(value: str, unit: str | None) -> str:
    """A value with its unit, as ``SHOW`` prints it: in the largest unit of which it is a whole number.

    -1 and 0 have no unit, since they stand for "no limit" or "off".
    """
    parts = _UNIT(unit or "")
    if parts is None or value in ("-1", "0", ""):
        return value
    scale = _SIZES if parts[2] in _SIZES else _TIMES
    if parts[2] not in scale or not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        return f"{value}{unit}" if not parts[1] else f"{value} * {unit}"
    whole = int(value) * int(parts[1] or 1) * scale[parts[2]]
    largest = max((name for name in scale if whole % scale[name] == 0), key=lambda name: scale[name])
    return f"{whole // scale[largest]}{largest}"


def shown(setting: str, value: str | None) -> str:
    """A value for people: ``unset``, ``empty``, and ``unlimited`` where -1 lifts a limit."""
    if not value:
        return "unset" if value is None else "empty"
    return "-1 (unlimited)" if value == "-1" and setting in _UNLIMITED else value


def move(change: Change) -> str:
    """The values before and after a change: ``10s → -1 (unlimited)``."""
    if change.pending_restart and change.from_ == change.to:
        return f"{shown(change.setting, change.to)}, until a restart puts the value of the files into effect"
    return f"{shown(change.setting, change.from_)} → {shown(change.setting, change.to)}"


def in_words(change: Change) -> str:
    """A change in one line: ``max_wal_senders on pg-1: 10 → 5, by postgresql.auto.conf line 4``."""
    place = origin(change)
    return f"{change.setting} on {change.node}: {move(change)}" + (f", by {place}" if place else "")


def origin(change: Change) -> str:
    """The source of a new value: ``postgresql.auto.conf line 4``; empty where the server did not show it."""
    if change.file is not None:
        return change.file if change.line is None else f"{change.file} line {change.line}"
    return "" if change.source == "configuration file" else change.source
