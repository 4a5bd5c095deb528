"""Rules about how a standby replays."""

from collections.abc import Iterator

from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    REPLICATION,
    is_standby,
    logical_slots,
    say,
    set_to,
)
from leadline_streams.audit.node import AuditedNode
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.statements import show_replay

SHORT_S = 5.0


@audit_rule(
    "PG-SBY-001",
    "Queries on a standby may stop replay for ever",
    "node",
    "warning",
    reads=("max_standby_streaming_delay",),
    condition="`max_standby_streaming_delay` is -1 on a standby",
    why="A query, or a session that was left open in a transaction, stops replay for as long as it lasts. The standby "
    "falls behind without limit, and a failover waits for it.",
    effect="reload",
    reference=f"{REPLICATION}MAX-STANDBY-STREAMING-DELAY",
    applies=is_standby,
)
def unlimited_delay(node: AuditedNode) -> Iterator[Violation]:
    """By default 30 s."""
    if node.number("max_standby_streaming_delay") == -1:
        yield Violation(
            f"replay on {node.name} waits without limit for queries: max_standby_streaming_delay is -1",
            node.evidence("max_standby_streaming_delay", "hot_standby_feedback"),
            set_to(node, "max_standby_streaming_delay", "30s"),
        )


@audit_rule(
    "PG-SBY-002",
    "Queries on a standby are cancelled at once",
    "node",
    "info",
    reads=("max_standby_streaming_delay", "hot_standby_feedback"),
    condition="`max_standby_streaming_delay` is under 5 s and `hot_standby_feedback` is off",
    why="Vacuum on the primary cancels queries on this standby within seconds (SQLSTATE 40001). Right for a standby "
    "that only waits for a failover, wrong for one that answers queries.",
    effect="reload",
    reference=f"{REPLICATION}MAX-STANDBY-STREAMING-DELAY",
    applies=is_standby,
)
def short_delay(node: AuditedNode) -> Iterator[Violation]:
    """A choice, so it is only mentioned."""
    delay_s = node.seconds("max_standby_streaming_delay")
    if delay_s is not None and 0 <= delay_s < SHORT_S and not node.on("hot_standby_feedback"):
        yield Violation(
            f"queries on {node.name} are cancelled after {node.shown('max_standby_streaming_delay')} of conflict",
            node.evidence("max_standby_streaming_delay", "hot_standby_feedback"),
            (say(node.name, f"If people query {node.name}: set max_standby_streaming_delay to 30s or more", "look"),),
        )


@audit_rule(
    "PG-SBY-003",
    "Queries on a standby may stop replay from the archive for ever",
    "node",
    "warning",
    reads=("max_standby_archive_delay", "restore_command"),
    condition="`max_standby_archive_delay` is -1 on a standby with a `restore_command`",
    why="While the standby reads WAL from the archive, a query stops replay for as long as it lasts.",
    effect="reload",
    reference=f"{REPLICATION}MAX-STANDBY-ARCHIVE-DELAY",
    applies=is_standby,
)
def unlimited_archive_delay(node: AuditedNode) -> Iterator[Violation]:
    """It does not count without an archive to read from."""
    if node.number("max_standby_archive_delay") == -1 and node.text("restore_command"):
        yield Violation(
            f"replay from the archive on {node.name} waits without limit for queries",
            node.evidence("max_standby_archive_delay", "restore_command"),
            set_to(node, "max_standby_archive_delay", "30s"),
        )


@audit_rule(
    "PG-SBY-004",
    "Logical slots on a standby without hot_standby_feedback",
    "node",
    "warning",
    reads=("hot_standby_feedback", "pg_replication_slots"),
    condition="a standby has valid logical slots and `hot_standby_feedback` is off",
    why="Vacuum of system catalogs on the primary removes rows that the slots need, and the server invalidates them "
    "(rows_removed). Their consumers must be built anew.",
    effect="reload",
    reference=f"{DOCS}logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS",
    since=16,
    applies=is_standby,
)
def slots_without_feedback(node: AuditedNode) -> Iterator[Violation]:
    """Decoding on a standby exists since 16."""
    names = [slot.name for slot in logical_slots(node) if slot.wal_status != "lost" and not slot.invalidation_reason]
    if names and not node.on("hot_standby_feedback"):
        yield Violation(
            f"vacuum on the primary can invalidate logical slots of {node.name}: {', '.join(names[:3])}",
            node.evidence("hot_standby_feedback"),
            set_to(node, "hot_standby_feedback", "on"),
        )


@audit_rule(
    "PG-SBY-005",
    "A standby delays replay",
    "node",
    "warning",
    reads=("recovery_min_apply_delay",),
    condition="`recovery_min_apply_delay` is over 0 on a standby",
    why="It is always that far behind, and a failover to it waits or loses that time. Right only for a copy that is "
    "kept against mistakes.",
    effect="reload",
    reference=f"{REPLICATION}RECOVERY-MIN-APPLY-DELAY",
    applies=is_standby,
)
def delayed(node: AuditedNode) -> Iterator[Violation]:
    """It may be meant."""
    if (node.seconds("recovery_min_apply_delay") or 0) > 0:
        yield Violation(
            f"{node.name} replays {node.shown('recovery_min_apply_delay')} late by its settings",
            node.evidence("recovery_min_apply_delay"),
            (
                say(node.name, f"If {node.name} is not kept behind on purpose:", "look"),
                *set_to(node, "recovery_min_apply_delay", "0"),
            ),
        )


@audit_rule(
    "PG-SBY-006",
    "Replay is paused",
    "node",
    "warning",
    reads=("pg_get_wal_replay_pause_state()",),
    condition="replay of a standby is paused",
    why="The standby takes in WAL and does not replay it. The server pauses by itself when a setting is too low, and "
    "stops when it is resumed then.",
    reference=f"{DOCS}functions-admin.html#FUNCTIONS-RECOVERY-CONTROL",
    applies=is_standby,
)
def paused(node: AuditedNode) -> Iterator[Violation]:
    """By a person, a program, or the server itself."""
    node.seen("positions.replay_paused")
    positions = node.sample.positions
    if positions is not None and positions.replay_paused:
        yield Violation(
            f"replay is paused on {node.name}",
            steps=(
                show_replay(node.name),
                say(node.name, "Find out who paused it and why; leadline check names the cause", "look"),
            ),
        )
