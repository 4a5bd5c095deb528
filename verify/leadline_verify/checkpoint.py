"""The position and the findings of a run on disk, so that it can go on after it was stopped at any point.

A file holds everything together and is replaced as a whole, so counters never belong to another position than the one
beside them. A table whose definition changed since starts over, with new counters.
"""

import logging
import os
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.model import Value
from leadline.model.verification import Canary
from leadline_verify.outcome import RowFinding, TableResult, UndecidedPart
from leadline_verify.private_file import open_private

SAVE_S: Final = 1.0
"""A file is written at most so often, and at the end of a table."""

log = logging.getLogger(__name__)

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
        with open_private(new, "--resume") as stream:
            stream.write(msgspec.json.encode(checkpoint))
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except OSError as error:
        raise UsageError(f"--resume: cannot write {file}: {error.strerror}") from None


class KeptRun:
    """The checkpoint of a run, in memory and, where there is a file, on disk. It has keys of rows, for its owner."""

    def __init__(self, file: Path | None, clock: Clock, *, must_fit: bool) -> None:
        """``must_fit``: raise UsageError for a file that does not fit or cannot be written; otherwise do without it."""
        self._file, self._clock, self._must_fit = file, clock, must_fit
        self._saved_at = clock.monotonic()
        self.run: Checkpoint

    def load(self, link: str) -> None:
        """Take up what the file has, or begin. Raises UsageError."""
        found = None
        if self._file is not None:
            try:
                found = load(self._file, link)
            except UsageError as error:
                if self._must_fit:
                    raise
                log.warning("beginning anew: %s", error)
        self.run = found or Checkpoint(link=link, started_at=self._clock.now())

    def note(self, table: str, progress: TableProgress) -> int:
        """Keep the progress of a table. Returns the rows of the upstream that were added to it."""
        before = self.run.tables.get(table)
        self.run.tables[table] = progress
        known = before is not None and before.fingerprint == progress.fingerprint
        return progress.rows_upstream - (before.rows_upstream if before is not None and known else 0)

    def save(self, canary: Canary, *, always: bool = False) -> None:
        """Write the file, if it is time or ``always``. Raises UsageError when that is not possible."""
        if self._file is None or not (always or self._clock.monotonic() - self._saved_at >= SAVE_S):
            return
        self._saved_at = self._clock.monotonic()
        try:
            save(self._file, msgspec.structs.replace(self.run, canary=canary))
        except UsageError as error:
            if self._must_fit:
                raise
            log.warning("an interruption would begin the table anew: %s", error)
            self._file = None

    def end(self) -> None:
        """Remove the file of a run that has ended."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)
