"""Rules about a publisher by itself."""

from collections.abc import Iterator

from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    LOGICAL,
    REPLICATION,
    is_primary,
    logical_slots,
    look,
    say,
    slots,
    standbys,
)
from leadline_streams.audit.node import AuditedNode, Unseen
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.copy_timeouts import seconds
from leadline_streams.engines.postgresql.statements import show_slots

_REASONS = {
    "no_identity": "has no replica identity",
    "row_filter": "has a row filter on columns that are not in its replica identity",
    "column_list": "has a column list without columns of its replica identity",
    "generated_column": "has a generated column that is not published in its replica identity",
}


def publishes(node: AuditedNode) -> bool:
    """A primary with publications in the database that was read, or with subscribers of any. Raises Unseen."""
    return node.is_primary and bool(node.sample.publications or logical_slots(node))


def elsewhere(node: AuditedNode) -> None:
    """Raise Unseen where subscribers follow databases that this look was not in."""
    others = sorted({str(slot.database) for slot in logical_slots(node)} - {node.sample.database})
    if others:
        raise Unseen(
            f"{node.name}: publications of {', '.join(others)} were not read, as the connection string is of "
            f"{node.sample.database}; dbname={others[0]} shows them"
        )


@audit_rule(
    "PG-LOG-001",
    "Updates of a published table are refused",
    "node",
    "critical",
    reads=("pg_publication_tables", "pg_class.relreplident", "pg_index"),
    condition="a published table that was updated or deleted from has no usable replica identity, or one that cannot "
    "work",
    why="The application's UPDATE and DELETE fail on this server with an error.",
    reference=f"{LOGICAL}-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY",
    applies=publishes,
)
def refused(node: AuditedNode) -> Iterator[Violation]:
    """A table into which rows are only inserted needs none. Of a partitioned table the partitions are judged."""
    for table in node.sample.refused or ():
        yield Violation(
            f"{'updates' if table.updates else 'deletes'} of {table.name} on {node.name} are refused: it "
            f"{_REASONS[table.reason]}",
            steps=(
                look(
                    node.name,
                    "SELECT indexrelid::regclass, indisprimary, indisunique, indimmediate FROM pg_index "
                    f"WHERE indrelid = '{table.name.replace(chr(39), chr(39) * 2)}'::regclass",
                    node.sample.database,
                ),
                say(
                    node.name,
                    f"Give {table.name} a primary key, or ALTER TABLE ... REPLICA IDENTITY USING INDEX with a "
                    "unique index on NOT NULL columns; FULL only where neither is possible",
                ),
            ),
            name=f"{table.publication} {table.name}",
        )
    if node.sample.publications and node.sample.refused is None:
        raise Unseen(f"{node.name}: the published tables were not read")
    elsewhere(node)


@audit_rule(
    "PG-LOG-002",
    "Slots of subscribers do not survive a failover",
    "node",
    "warning",
    reads=("pg_replication_slots.failover", "pg_stat_replication"),
    condition="a publisher with standbys has a logical slot with `failover` off",
    why="A standby that is promoted does not have the slot: its subscriber has to be copied anew, and changes of the "
    "time between are lost for it.",
    reference=f"{LOGICAL}-failover.html",
    since=17,
    applies=publishes,
)
def slot_without_failover(node: AuditedNode) -> Iterator[Violation]:
    """Failover slots exist since 17. One finding has all slots."""
    names = sorted(slot.name for slot in logical_slots(node) if slot.failover is False and slot.wal_status != "lost")
    if names and standbys(node):
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield Violation(
            f"a failover of {node.name} loses the slots of its subscribers: failover is off for {listed}",
            steps=(
                show_slots(node.name),
                say(None, "On each subscriber: ALTER SUBSCRIPTION ... DISABLE, SET (failover = true), ENABLE"),
                say(
                    None,
                    "On the standby: sync_replication_slots on, hot_standby_feedback on, primary_slot_name, and "
                    "dbname in primary_conninfo",
                ),
            ),
        )


@audit_rule(
    "PG-LOG-003",
    "Subscribers wait for a standby that is not there",
    "node",
    "critical",
    reads=("synchronized_standby_slots", "pg_replication_slots"),
    condition="`synchronized_standby_slots` names a physical slot that does not exist or is not in use",
    why="No logical slot with failover is sent anything until that standby confirms: all these subscribers stand "
    "still.",
    effect="reload",
    reference=f"{REPLICATION}SYNCHRONIZED-STANDBY-SLOTS",
    since=17,
    applies=is_primary,
)
def gate_closed(node: AuditedNode) -> Iterator[Violation]:
    """Without logical slots with failover nobody waits yet."""
    named = [each.strip().strip('"') for each in node.text("synchronized_standby_slots").split(",") if each.strip()]
    if not named:
        return
    here = {slot.name: slot for slot in slots(node)}
    waits = any(slot.failover for slot in here.values() if slot.kind == "logical")
    for name in named:
        slot = here.get(name)
        if slot is None or not slot.active or slot.kind == "logical":
            state = (
                "does not exist" if slot is None else "is a logical slot" if slot.kind == "logical" else "is not in use"
            )
            yield Violation(
                f"subscribers of {node.name} wait for slot {name}, which {state}",
                node.evidence("synchronized_standby_slots"),
                (
                    show_slots(node.name),
                    say(
                        node.name,
                        f"Start the standby of slot {name}; if it is gone, take it out of "
                        "synchronized_standby_slots and reload",
                    ),
                ),
                name=name,
                severity=None if waits else "warning",
            )


@audit_rule(
    "PG-LOG-004",
    "Initial copies are cancelled",
    "node",
    "warning",
    reads=("pg_db_role_setting", "pg_stat_activity"),
    condition="ALTER ROLE or ALTER DATABASE sets `statement_timeout` or `transaction_timeout` for the login of a "
    "subscriber",
    why="The copy of a table that takes longer is cancelled and begins again, for ever.",
    reference=f"{DOCS}runtime-config-client.html#GUC-STATEMENT-TIMEOUT",
    applies=publishes,
)
def copies_cancelled(node: AuditedNode) -> Iterator[Violation]:
    """0 switches it off."""
    for timeout in node.sample.sender_timeouts or ():
        if seconds(timeout) > 0:
            yield Violation(
                f"{timeout.setting} = {timeout.value} is set on {node.name} for the {timeout.set_for} of subscription "
                f"{timeout.sender} ({timeout.role})",
                steps=(
                    look(node.name, "SELECT setdatabase, setrole::regrole, setconfig FROM pg_db_role_setting"),
                    say(node.name, f"Set {timeout.setting} to 0 for role {timeout.role}, which only replicates"),
                ),
                name=f"{timeout.sender} {timeout.setting}",
            )
    if node.sample.sender_timeouts is None and node.sample.publications:
        raise Unseen(f"{node.name}: the timeouts of subscribers were not read")
