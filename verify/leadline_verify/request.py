"""The servers, the tables and the manner of a run, and how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from leadline_verify.limits import RunLimits

DEFAULT_LIMITS: Final = RunLimits()


@dataclass(frozen=True)
class VerifyRequest:
    """The servers, the tables and the manner of a run."""

    upstream: str
    upstream_dsn: str = field(repr=False)
    downstream: str
    downstream_dsn: str = field(repr=False)
    tables: Sequence[str] = ()
    schema: str | None = None
    subscription: str | None = None
    limits: RunLimits = DEFAULT_LIMITS
    strong: bool = False
    show_values: bool = False
    resume: Path | None = None
    resume_must_fit: bool = True
    """Whether a file of ``resume`` that is of other databases, or cannot be used, is an error; or it counts as none."""
    repair_sql: Path | None = None
    amcheck: bool = False
    """Whether the pages of the downstream, a standby, are checked as well."""
    definitions: bool = True
    """Whether definitions and sequences are compared as well."""


@dataclass(frozen=True)
class RunProgress:
    """The progress of a run, for people."""

    table: str
    tables_done: int
    tables: int
    rows: int
    """Compared by this process."""
    rows_left: int | None
    """By the server's estimates; None when a table has none."""
    seconds: float
