"""Rules about what a server guarantees for its data."""

from collections.abc import Iterator

from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    WAL,
    is_primary,
    look,
    owns_its_files,
    say,
    set_to,
    standbys,
)
from leadline_streams.audit.node import AuditedNode
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.flavours import is_managed
from leadline_streams.engines.postgresql.statements import show_prepared

_DEVELOPER = f"{DOCS}runtime-config-developer.html#GUC-"
OLD_S = 3600.0


@audit_rule(
    "PG-DUR-001",
    "fsync is off",
    "node",
    "critical",
    reads=("fsync",),
    condition="`fsync` is off",
    why="After a crash of the operating system or a power failure the data may be corrupt, without a message, and a "
    "standby may have what its primary lost.",
    effect="reload",
    reference=f"{WAL}FSYNC",
    applies=owns_its_files,
)
def no_fsync(node: AuditedNode) -> Iterator[Violation]:
    """On every server: a standby may be promoted, and cannot be trusted after a crash either."""
    if node.text("fsync") == "off":
        yield Violation(
            f"a crash of the machine can corrupt {node.name}: fsync is off",
            node.evidence("fsync"),
            set_to(node, "fsync", "on"),
        )


@audit_rule(
    "PG-DUR-002",
    "full_page_writes is off",
    "node",
    "critical",
    reads=("full_page_writes",),
    condition="`full_page_writes` is off",
    why="Pages that were half written at a crash stay broken, and base backups and pg_rewind rely on full pages.",
    effect="reload",
    reference=f"{WAL}FULL-PAGE-WRITES",
    applies=owns_its_files,
)
def no_full_pages(node: AuditedNode) -> Iterator[Violation]:
    """A file system that never tears a page is rare, and cannot be seen from here."""
    if node.text("full_page_writes") == "off":
        yield Violation(
            f"pages of {node.name} that are half written at a crash stay broken: full_page_writes is off",
            node.evidence("full_page_writes"),
            set_to(node, "full_page_writes", "on"),
        )


@audit_rule(
    "PG-DUR-003",
    "Data checksums are off",
    "node",
    "info",
    reads=("data_checksums",),
    condition="`data_checksums` is off on a primary",
    why="Pages that a disk or a controller changed are read as if they were right, and are copied into backups.",
    effect="restart",
    reference=f"{DOCS}checksums.html",
    applies=lambda node: node.is_primary and owns_its_files(node),
)
def no_checksums(node: AuditedNode) -> Iterator[Violation]:
    """initdb leaves them off before 18."""
    if node.text("data_checksums") == "off":
        yield Violation(
            f"corrupt pages of {node.name} are not noticed: data checksums are off",
            node.evidence("data_checksums"),
            (
                say(
                    node.name,
                    "While the server is stopped: pg_checksums --enable. Standbys need it too, each by itself",
                ),
            ),
        )


@audit_rule(
    "PG-DUR-004",
    "A failed primary cannot be rewound",
    "node",
    "info",
    reads=("wal_log_hints", "data_checksums"),
    condition="`wal_log_hints` and `data_checksums` are off on a primary that has standbys",
    why="pg_rewind refuses it after a failover: the old primary has to be copied from the new one as a whole.",
    effect="restart",
    reference=f"{DOCS}app-pgrewind.html",
    applies=lambda node: node.is_primary and not is_managed(node),
)
def no_rewind(node: AuditedNode) -> Iterator[Violation]:
    """One of the two is enough."""
    if standbys(node) and node.text("wal_log_hints") == "off" and node.text("data_checksums") == "off":
        yield Violation(
            f"{node.name} cannot be rewound after a failover: wal_log_hints and data checksums are off",
            node.evidence("wal_log_hints", "data_checksums"),
            set_to(node, "wal_log_hints", "on", restart=True),
        )


@audit_rule(
    "PG-DUR-005",
    "Commits do not wait for the disk",
    "node",
    "warning",
    reads=("synchronous_commit", "synchronous_standby_names"),
    condition="`synchronous_commit` is off for a whole primary without `synchronous_standby_names`",
    why="The newest transactions are lost at a crash although their clients had their answer; a "
    "standby may never have had them.",
    effect="reload",
    reference=f"{WAL}SYNCHRONOUS-COMMIT",
    applies=is_primary,
)
def asynchronous_commit(node: AuditedNode) -> Iterator[Violation]:
    """PG-SYNC-004 says more where standbys are required."""
    if node.text("synchronous_commit") == "off" and not node.text("synchronous_standby_names"):
        yield Violation(
            f"a crash of {node.name} loses commits that were acknowledged: synchronous_commit is off for all",
            node.evidence("synchronous_commit"),
            (
                say(
                    node.name,
                    "Set it off only for the transactions that may be lost (SET LOCAL synchronous_commit)",
                    "look",
                ),
                *set_to(node, "synchronous_commit", "on"),
            ),
        )


@audit_rule(
    "PG-DUR-006",
    "Unlogged tables are empty after a failover",
    "node",
    "info",
    reads=("pg_class.relpersistence",),
    condition="the database that was read has unlogged tables on a primary with standbys",
    why="Their rows are not in the WAL: standbys have the tables without them, and so has the primary after a crash.",
    reference=f"{DOCS}sql-createtable.html#SQL-CREATETABLE-UNLOGGED",
    applies=is_primary,
)
def unlogged_tables(node: AuditedNode) -> Iterator[Violation]:
    """Usually meant, so it is only mentioned."""
    tables = node.group("unlogged", node.look.unlogged)
    if tables and standbys(node):
        listed = ", ".join(tables[:3]) + (f" and {len(tables) - 3} more" if len(tables) > 3 else "")
        yield Violation(
            f"standbys of {node.name} have no rows of {listed} in {node.sample.database}",
            steps=(say(node.name, "Where the rows must survive a failover: ALTER TABLE ... SET LOGGED", "look"),),
        )


@audit_rule(
    "PG-DUR-007",
    "Corruption is ignored",
    "node",
    "critical",
    reads=("zero_damaged_pages", "ignore_checksum_failure", "ignore_invalid_pages", "ignore_system_indexes"),
    condition="one of these settings is on",
    why="They exist to rescue what is left of a broken server. Left on, damaged rows vanish or are read as if they "
    "were right.",
    effect="restart",
    reference=f"{_DEVELOPER}IGNORE-CHECKSUM-FAILURE",
)
def corruption_ignored(node: AuditedNode) -> Iterator[Violation]:
    """Each is a setting of its own."""
    for name in ("zero_damaged_pages", "ignore_checksum_failure", "ignore_invalid_pages", "ignore_system_indexes"):
        if node.on(name):
            setting = node.group("settings", node.look.settings)[name]
            yield Violation(
                f"{node.name} ignores corruption: {name} is on",
                node.evidence(name),
                set_to(node, name, None, restart=setting.restart),
                name=name,
            )


@audit_rule(
    "PG-DUR-008",
    "vacuum_defer_cleanup_age is set",
    "node",
    "warning",
    reads=("vacuum_defer_cleanup_age",),
    condition="`vacuum_defer_cleanup_age` is over 0",
    why="It could remove rows that are still in use (fixed in 15.3, 14.8 and 13.11), delays cleanup for everybody, "
    "and does "
    "not exist any more from 16 on. hot_standby_feedback does better.",
    effect="reload",
    reference="https://www.postgresql.org/docs/15/runtime-config-replication.html#GUC-VACUUM-DEFER-CLEANUP-AGE",
    until=15,
)
def deferred_cleanup(node: AuditedNode) -> Iterator[Violation]:
    """Removed in 16."""
    if (node.number("vacuum_defer_cleanup_age") or 0) > 0:
        yield Violation(
            f"vacuum_defer_cleanup_age is {node.shown('vacuum_defer_cleanup_age')} on {node.name}",
            node.evidence("vacuum_defer_cleanup_age"),
            set_to(node, "vacuum_defer_cleanup_age", "0"),
        )


@audit_rule(
    "PG-DUR-009",
    "Failed writes are tried again",
    "node",
    "warning",
    reads=("data_sync_retry",),
    condition="`data_sync_retry` is on",
    why="After a failed fsync many kernels drop the pages and report success at the next try: what was not written "
    "counts as written. Off, the server restarts and replays its WAL.",
    effect="restart",
    reference=f"{DOCS}runtime-config-error-handling.html#GUC-DATA-SYNC-RETRY",
)
def sync_retry(node: AuditedNode) -> Iterator[Violation]:
    """By default off."""
    if node.on("data_sync_retry"):
        yield Violation(
            f"{node.name} can take a failed write for done: data_sync_retry is on",
            node.evidence("data_sync_retry"),
            set_to(node, "data_sync_retry", "off", restart=True),
        )


@audit_rule(
    "PG-DUR-010",
    "A prepared transaction was forgotten",
    "node",
    "warning",
    reads=("pg_prepared_xacts",),
    condition="a prepared transaction is older than an hour",
    why="It holds its locks, keeps vacuum from cleaning up, and holds back the WAL of logical slots, also over "
    "restarts.",
    reference=f"{DOCS}sql-prepare-transaction.html",
    applies=is_primary,
)
def forgotten_prepared(node: AuditedNode) -> Iterator[Violation]:
    """A coordinator finishes in seconds."""
    node.seen("activity.prepared_transactions")
    activity = node.sample.activity
    if activity is not None and activity.prepared_oldest_s > OLD_S:
        yield Violation(
            f"prepared transaction {activity.prepared_gid} on {node.name} is {activity.prepared_oldest_s / 3600:.0f} "
            f"h old",
            steps=(
                show_prepared(node.name),
                say(node.name, "Ask its coordinator how it ended; only then COMMIT PREPARED or ROLLBACK PREPARED"),
            ),
        )


@audit_rule(
    "PG-DUR-011",
    "A database is sorted by another library than its indexes",
    "node",
    "critical",
    reads=("pg_database.datcollversion", "pg_database_collation_actual_version()"),
    condition="the recorded version of a database's collation differs from that of the library",
    why="Indexes on text were built in another order: queries miss rows, and unique indexes accept duplicates.",
    reference=f"{DOCS}sql-altercollation.html#SQL-ALTERCOLLATION-NOTES",
    since=15,
    applies=is_primary,
)
def collation_changed(node: AuditedNode) -> Iterator[Violation]:
    """C and built-in locales have no version. Before 15 nothing is recorded. PG-PAR-004 is about standbys."""
    for database in node.group("databases", node.look.databases):
        if database.recorded and database.actual and database.recorded != database.actual:
            yield Violation(
                f"indexes on text of database {database.name} on {node.name} were built with version "
                f"{database.recorded} "
                f"of the collation, and the library is {database.actual}",
                steps=(
                    look(
                        node.name,
                        "SELECT datname, datcollversion, pg_database_collation_actual_version(oid) FROM pg_database",
                    ),
                    say(
                        node.name,
                        f"In {database.name}: REINDEX DATABASE CONCURRENTLY, then ALTER DATABASE ... REFRESH "
                        "COLLATION VERSION; not the other way round, which only hides it",
                    ),
                ),
                name=database.name,
            )
