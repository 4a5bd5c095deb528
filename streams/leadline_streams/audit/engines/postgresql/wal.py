"""Rules about the WAL of a server and the senders that read it."""

from collections.abc import Iterator

from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    REPLICATION,
    WAL,
    is_primary,
    is_streaming,
    owns_its_files,
    say,
    set_to,
)
from leadline_streams.audit.fleet import AuditedLink
from leadline_streams.audit.node import AuditedNode
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.statements import show_senders

SHORT_TIMEOUT_S = 10.0


@audit_rule(
    "PG-WAL-001",
    "wal_level is too low",
    "node",
    "warning",
    reads=("wal_level", "pg_publication", "pg_replication_slots"),
    condition="`wal_level` is `minimal`, or below `logical` where the database has publications",
    why="With minimal no standby, no base backup and no archive is possible. Below logical no subscriber can follow a "
    "publication.",
    effect="restart",
    reference=f"{WAL}WAL-LEVEL",
    until=18,
    applies=is_primary,
)
def low_wal_level(node: AuditedNode) -> Iterator[Violation]:
    """Logical is above replica, so it is enough for a standby. From 19 on the effective level may be higher.

    With minimal the server starts only where somebody also set max_wal_senders to 0, so it is meant.
    """
    level = node.text("wal_level")
    if level == "minimal":
        yield Violation(
            f"no standby can follow {node.name}: wal_level is minimal",
            node.evidence("wal_level"),
            set_to(node, "wal_level", "replica", restart=True),
        )
    elif level != "logical" and node.sample.publications:
        yield Violation(
            f"no subscriber can follow the publications of {node.name}: wal_level is {level}",
            node.evidence("wal_level"),
            set_to(node, "wal_level", "logical", restart=True),
        )


@audit_rule(
    "PG-WAL-004",
    "Nothing keeps WAL for a standby",
    "link",
    "warning",
    reads=("primary_slot_name", "wal_keep_size", "restore_command"),
    condition="a standby streams without a slot, its upstream has `wal_keep_size` 0, and it has no `restore_command`",
    why="After a disconnection of a few checkpoints the WAL that it needs is removed, and it has to be built anew.",
    effect="reload",
    reference=f"{DOCS}warm-standby.html#STREAMING-REPLICATION-SLOTS",
    applies=lambda link: is_streaming(link) and owns_its_files(link.down),
)
def nothing_keeps(link: AuditedLink) -> Iterator[Violation]:
    """The plain way of setting up a standby is so."""
    up, down = link.up, link.down
    if down.text("primary_slot_name") or down.text("restore_command") or up.number("wal_keep_size") != 0:
        return
    yield Violation(
        f"nothing on {up.name} keeps WAL for {down.name}: it has no slot, wal_keep_size is 0, and {down.name} reads "
        f"no archive",
        (*down.evidence("primary_slot_name", "restore_command"), *up.evidence("wal_keep_size")),
        (
            say(up.name, "Create a physical slot for it: SELECT pg_create_physical_replication_slot('...')", "safe"),
            say(down.name, f"Name the slot in primary_slot_name on {down.name}, and reload its configuration"),
            say(up.name, "Then limit what it keeps with max_slot_wal_keep_size", "look"),
        ),
    )


@audit_rule(
    "PG-WAL-007",
    "No WAL sender is left",
    "node",
    "warning",
    reads=("max_wal_senders", "pg_stat_replication"),
    condition="as many senders run as `max_wal_senders` allows",
    why="A standby that has to connect again, another one, and every base backup are refused.",
    effect="restart",
    reference=f"{REPLICATION}MAX-WAL-SENDERS",
)
def no_sender_left(node: AuditedNode) -> Iterator[Violation]:
    """Standbys and subscribers that are connected now; base backups are not in samples."""
    node.seen("downstreams")
    limit, used = node.number("max_wal_senders"), len(node.sample.downstreams)
    if limit is not None and used and used >= limit:
        yield Violation(
            f"all {limit} WAL senders of {node.name} are in use",
            node.evidence("max_wal_senders"),
            (show_senders(node.name), *set_to(node, "max_wal_senders", str(limit + 5), restart=True)),
        )


@audit_rule(
    "PG-WAL-010",
    "A sender waits for ever on a dead connection",
    "node",
    "warning",
    reads=("wal_sender_timeout",),
    condition="`wal_sender_timeout` is 0",
    why="A standby that vanished stays connected for hours: its slot is in use, synchronous commits wait for it, and "
    "it cannot connect again under its slot.",
    effect="reload",
    reference=f"{REPLICATION}WAL-SENDER-TIMEOUT",
)
def no_sender_timeout(node: AuditedNode) -> Iterator[Violation]:
    """On standbys too: others may follow them now or after a promotion."""
    if node.number("wal_sender_timeout") == 0:
        yield Violation(
            f"{node.name} does not notice a standby that vanished: wal_sender_timeout is 0",
            node.evidence("wal_sender_timeout"),
            set_to(node, "wal_sender_timeout", "60s"),
        )


@audit_rule(
    "PG-WAL-011",
    "Senders give up too soon",
    "node",
    "info",
    reads=("wal_sender_timeout",),
    condition="`wal_sender_timeout` is over 0 and under 10 s",
    why="A busy standby, or a large transaction of a subscriber, is taken for dead, and the connection is closed "
    "again and "
    "again.",
    effect="reload",
    reference=f"{REPLICATION}WAL-SENDER-TIMEOUT",
)
def short_sender_timeout(node: AuditedNode) -> Iterator[Violation]:
    """Some choose it for a fast failover, so it is only mentioned."""
    timeout_s = node.seconds("wal_sender_timeout")
    if timeout_s is not None and 0 < timeout_s < SHORT_TIMEOUT_S:
        yield Violation(
            f"{node.name} closes connections of replication after {node.shown('wal_sender_timeout')} without an answer",
            node.evidence("wal_sender_timeout"),
            set_to(node, "wal_sender_timeout", "60s"),
        )
