"""The position and the findings of a run on disk, so that it can go on after it was stopped at any point.

A file holds everything together and is replaced as a whole, so counters never belong to another position than the one
beside them. A table whose definition changed since starts over, with new counters.
"""

import os
from datetime import datetime
from pathlib import Path

import msgspec

from leadline.errors import UsageError
from leadline.model import Value
from leadline.model.verification import Canary
from leadline_verify.outcome import RowFinding, TableResult, UndecidedPart

Range = tuple[tuple[str, ...] | None, tuple[str, ...] | None]


class TableProgress(Value, frozen=True, kw_only=True):
    """The state of one table in the midst of a run."""

    fingerprint: str
    """Of its plan: columns, key, filters."""
    after: tuple[str, ...] | None = None
    """Everything up to this key was compared, or is put off."""
    put_off: tuple[Range, ...] = ()
    all_read: bool = False
    rows_upstream: int = 0
    rows_downstream: int = 0
    chunks: int = 0
    chunks_differed_at_first: int = 0
    chunks_different: int = 0
    chunks_undecided: int = 0
    differing_rows: int = 0
    differences: tuple[RowFinding, ...] = ()
    undecided: tuple[UndecidedPart, ...] = ()
    result: TableResult | None = None
    """When the table is finished."""


class Checkpoint(Value, frozen=True, kw_only=True):
    """A run on disk."""

    version: int = 1
    link: str
    """The two databases and how one follows the other."""
    started_at: datetime
    canary: Canary = "not_planted"
    tables: dict[str, TableProgress] = msgspec.field(default_factory=dict)


def load(file: Path, link: str) -> Checkpoint | None:
    """The checkpoint in a file, or None when there is no such file. Raises UsageError."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Checkpoint)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"--resume: cannot read {file}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"--resume: {file} is no checkpoint of leadline verify: {error}") from None
    if found.version != 1 or found.link != link:
        raise UsageError(f"--resume: {file} is of another pair of databases ({found.link}); name another file")
    return found


def save(file: Path, checkpoint: Checkpoint) -> None:
    """Replace the file as a whole. Raises UsageError when that is not possible."""
    new = file.with_name(file.name + ".new")
    try:
        with new.open("wb") as stream:
            stream.write(msgspec.json.encode(checkpoint))
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except OSError as error:
        raise UsageError(f"--resume: cannot write {file}: {error.strerror}") from None
