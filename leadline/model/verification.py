"""The result of comparing the data of two servers, as others read it: one record for each link, replaced by the next.

Keys of rows may be personal data: a record has them only where the settings of the verifying process permit it.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta

from leadline.model import Count, Int64, Time, Value
from leadline.model.alert import Evidence
from leadline.model.ids import ClusterName, LinkId, NodeName
from leadline.model.node import LinkKind

MOST_TABLES: Final = 2000
"""So many tables are in a record: those that differ first, then those whose proof is oldest."""
MOST_ROWS: Final = 20
"""So many rows of one table are in a record."""
MOST_DIFFERENCES: Final = 200
"""So many differences of schema, and so many sequences, are in a record."""

RowKind = Literal["missing", "extra", "changed"]
"""``missing``: the upstream has the row, the downstream does not. ``extra``: the reverse. ``changed``: both have it."""
Canary = Literal["found", "missed", "not_planted"]
"""Whether a run found the difference that it planted in its own computation. ``not_planted``: it compared nothing."""
Outcome = Literal["equal", "different", "undecided", "failed"]
"""``equal``: every table was compared as a whole, and nothing differs. ``different``: at least one row is confirmed.
``undecided``: nothing is confirmed, and not everything was compared. ``failed``: it ended by an error."""


class ReportedRow(Value, frozen=True, kw_only=True):
    """One row that is confirmed to differ."""

    kind: RowKind
    key: Annotated[str, Meta(max_length=255)] | None = None
    """The columns of the key with their values, ``id=5``, cut where they are too long; None where keys are not
    reported."""
    columns: list[str] = []
    """Of a changed row, the columns that differ."""


class TableDifference(Value, frozen=True, kw_only=True):
    """The confirmed differences of one table."""

    table: Annotated[str, Meta(min_length=1, max_length=255)]
    """Schema and name on the upstream."""
    missing: Count = 0
    extra: Count = 0
    changed: Count = 0
    unlisted: Count = 0
    """Rows beyond those that the comparison listed, whose kinds it does not say."""
    first: Annotated[list[ReportedRow], Meta(max_length=MOST_ROWS)] = []
    """The first of them, in the order of the key."""
    signs: list[Evidence] = []
    """Facts, seen on the servers while they were compared, that can have brought the differences about. Their names are
    those of ``schema_differences`` of the record."""

    @property
    def rows(self) -> int:
        """The number of rows that differ."""
        return self.missing + self.extra + self.changed + self.unlisted


class ChunkCounts(Value, frozen=True, kw_only=True):
    """The chunks of a table by their outcome."""

    matching: Count = 0
    different: Count = 0
    undecided: Count = 0


class TableVerification(Value, frozen=True, kw_only=True):
    """One table of a verification."""

    table: Annotated[str, Meta(min_length=1, max_length=255)]
    rows_compared: Count = 0
    """Rows of the upstream in chunks that were compared."""
    upstream_rows: Count | None = None
    """The server's estimate; None when it has none."""
    downstream_rows: Count | None = None
    coverage: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """The part of the table that was compared. Nothing is called equal below 1."""
    chunks: ChunkCounts = ChunkCounts()
    undecided: dict[str, Count] = {}
    """Chunks that stayed undecided, by the reason."""
    difference: TableDifference | None = None
    """None when no row is confirmed to differ."""
    refused: str | None = None
    """The reason for which the table cannot be compared; None when it can."""
    compared_at: Time | None = None
    """When it was last compared, whatever the outcome; None when it never was."""
    equal_at: Time | None = None
    """When the whole table was last proven equal, then or earlier; None when it never was."""


class SchemaDifference(Value, frozen=True, kw_only=True):
    """A difference of definitions between the two servers."""

    code: Annotated[str, Meta(min_length=1, max_length=100)]
    table: str
    """The table, or the publication or subscription where it is about no table."""
    detail: str
    """The difference in words, with both values."""
    breaks: bool
    """Whether replication stops or loses changes by it; otherwise it is only mentioned."""


class SequenceDifference(Value, frozen=True, kw_only=True):
    """A sequence whose value on the subscriber is not beyond that of the publisher."""

    sequence: str
    upstream_value: Int64
    downstream_value: Int64 | None
    """None when the subscriber has no such sequence, or never used it."""
    increment: Int64 = 1
    used_by: str | None = None
    """``table.column`` whose default it is; None for no column's."""


class Verification(Value, frozen=True, kw_only=True):
    """One verification of a link. The record with the latest ``ended_at`` is the present one."""

    cluster: ClusterName
    link: LinkId
    upstream: NodeName
    downstream: NodeName
    link_kind: LinkKind
    name: str = ""
    """The subscription, of a logical link."""
    run_id: Annotated[str, Meta(min_length=1, max_length=255)]
    started_at: Time
    """The verifying process's clock, like all times here."""
    ended_at: Time
    asked_at: Time
    """When the link was first asked to be compared: without a proof, its data is unverified since then."""
    outcome: Outcome
    detail: str = ""
    """The reason for which it is undecided or failed; empty otherwise."""
    canary: Canary = "not_planted"
    tables: Annotated[list[TableVerification], Meta(max_length=MOST_TABLES)] = []
    tables_left_out: Count = 0
    """Tables beyond ``MOST_TABLES``, which are compared as well."""
    schema_differences: Annotated[list[SchemaDifference], Meta(max_length=MOST_DIFFERENCES)] = []
    sequences_behind: Annotated[list[SequenceDifference], Meta(max_length=MOST_DIFFERENCES)] = []
    cut_over: bool = False
    """Whether the settings say that the downstream is about to take the upstream's place."""
    equal_at: Time | None = None
    """When the last of all tables was proven equal: every row of the link was compared at that time or later. None
    while a table never was, or cannot be compared."""

    @property
    def differences(self) -> list[TableDifference]:
        """The tables with confirmed differences, those with the most rows first."""
        found = [each.difference for each in self.tables if each.difference is not None]
        return sorted(found, key=lambda each: (-each.rows, each.table))
