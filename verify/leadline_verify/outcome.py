"""Results of a verification: of a table, and of the whole run.

A table is ``equal`` only when every row that either side has was compared and none differs. What could not be compared
is never equal: it is ``undecided`` or ``not_compared``, with the reason.
"""

from datetime import datetime
from typing import Literal

from leadline.model import Value
from leadline.model.verification import Canary, RowKind, SchemaDifference, SequenceDifference

TableState = Literal["equal", "different", "undecided", "not_compared"]


class RowFinding(Value, frozen=True, kw_only=True):
    """One confirmed difference."""

    table: str
    """The name on the upstream, quoted where SQL needs it."""
    key: dict[str, str | None]
    """The values of the key columns as text; ``ctid`` where rows are found by their place."""
    kind: RowKind
    columns: tuple[str, ...] = ()
    """The columns that differ, of a row that is changed."""
    upstream_hash: int | None = None
    downstream_hash: int | None = None
    upstream_values: dict[str, str | None] | None = None
    """The differing columns' values; only when values were asked for."""
    downstream_values: dict[str, str | None] | None = None
    confirmed_at: datetime


class UndecidedPart(Value, frozen=True, kw_only=True):
    """A range of a table of which nothing is known, and why."""

    after: str
    """The last key before it; empty for the beginning of the table."""
    up_to: str
    """Its last key; empty for the end of the table."""
    reason: str
    rows: int = 0
    """The rows that are in question, where they were counted."""


class TableResult(Value, frozen=True, kw_only=True):
    """The comparison of one table."""

    table: str
    downstream_table: str
    state: TableState
    reason: str = ""
    """The reason for which it was not compared, or is undecided."""
    rows_upstream: int = 0
    rows_downstream: int = 0
    estimate_upstream: int | None = None
    """The server's own estimate (``reltuples``); None where it has none."""
    estimate_downstream: int | None = None
    chunks: int = 0
    chunks_differed_at_first: int = 0
    """Chunks whose first digests differed; traffic alone does that."""
    chunks_different: int = 0
    """Chunks with at least one confirmed difference."""
    chunks_undecided: int = 0
    """Chunks without one of which something is not known."""
    differing_rows: int = 0
    """All that were confirmed, also those beyond the limit of rows that are kept."""
    undecided: tuple[UndecidedPart, ...] = ()
    notes: tuple[str, ...] = ()
    compared_at: datetime | None = None


class DamagedPart(Value, frozen=True, kw_only=True):
    """A damaged place in the files of a standby."""

    relation: str
    """The table or index, with what it is."""
    place: str = ""
    """Block, row and column of a table, counted as amcheck does; empty for an index, of which it names no place."""
    message: str
    """That of the server."""
    on_upstream: bool | None = None
    """Whether the upstream has the same damage; None when that could not be checked."""


class PageReport(Value, frozen=True, kw_only=True):
    """The check of a standby's pages."""

    version: str
    """Of extension amcheck; empty when the database does not have it."""
    tables: int = 0
    indexes: int = 0
    damaged: tuple[DamagedPart, ...] = ()
    not_checked: tuple[str, ...] = ()
    """Tables and indexes that were not checked, with the reason."""


class VerifyReport(Value, frozen=True, kw_only=True):
    """The result of a run."""

    upstream: str
    downstream: str
    link_kind: Literal["physical", "logical"]
    database: str
    started_at: datetime
    ended_at: datetime
    tables: tuple[TableResult, ...]
    differences: tuple[RowFinding, ...]
    canary: Canary
    rows_read: int = 0
    """Rows of the upstream that this process has compared; those of earlier ones, which it took up, are not in it."""
    ended_early: str = ""
    """The reason for which the run ended before every table was compared; empty when it did not."""
    schema_differences: tuple[SchemaDifference, ...] = ()
    """Definitions of a subscriber by which replication breaks, or that people should know."""
    sequences_behind: tuple[SequenceDifference, ...] = ()
    pages: PageReport | None = None
    """None when they were not to be checked."""
    not_covered: tuple[str, ...] = ()
    """Data of the database that this comparison does not look at."""

    @property
    def blind(self) -> bool:
        """Whether the run overlooked its own difference, so that nothing that it found equal counts."""
        return self.canary == "missed"

    @property
    def is_equal(self) -> bool:
        """Whether every table was compared as a whole without a difference, by a run that has proven itself."""
        proven = self.canary == "found" or not any(table.rows_upstream for table in self.tables)
        return bool(self.tables) and not self.ended_early and proven and self.count("equal") == len(self.tables)

    def count(self, state: TableState) -> int:
        """The number of tables in this state."""
        return sum(table.state == state for table in self.tables)
