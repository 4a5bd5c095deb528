"""Rules about how a standby gets its WAL, and under which name."""

from collections.abc import Iterator

from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    REPLICATION,
    is_standby,
    is_standby_with_files,
    say,
    set_to,
)
from leadline_streams.audit.node import AuditedNode
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.statements import show_receiver

TARGETS = (
    "recovery_target",
    "recovery_target_lsn",
    "recovery_target_name",
    "recovery_target_time",
    "recovery_target_xid",
)
_RECOVERY = f"{DOCS}runtime-config-wal.html#GUC-RECOVERY-TARGET-TIMELINE"


@audit_rule(
    "PG-SBY-007",
    "A standby has nothing to follow",
    "node",
    "critical",
    reads=("primary_conninfo", "restore_command"),
    condition="`primary_conninfo` and `restore_command` are both empty on a standby",
    why="It gets WAL only from files that somebody copies into pg_wal. It stands still, and looks like a standby.",
    effect="reload",
    reference=f"{DOCS}warm-standby.html#STANDBY-SERVER-SETUP",
    applies=is_standby_with_files,
)
def follows_nothing(node: AuditedNode) -> Iterator[Violation]:
    """Log shipping alone has a restore_command."""
    if not node.text("primary_conninfo") and not node.text("restore_command"):
        yield Violation(
            f"{node.name} is a standby without primary_conninfo and restore_command: no WAL comes to it",
            node.evidence("primary_conninfo", "restore_command"),
            (show_receiver(node.name), say(node.name, "Set primary_conninfo to the connection string of its primary")),
        )


@audit_rule(
    "PG-SBY-008",
    "A standby reports no progress",
    "node",
    "warning",
    reads=("wal_receiver_status_interval",),
    condition="`wal_receiver_status_interval` is 0 on a standby",
    why="It sends no replies but those that the primary forces. Synchronous commits wait for these, lag columns of the "
    "primary freeze, and hot_standby_feedback is not sent.",
    effect="reload",
    reference=f"{REPLICATION}WAL-RECEIVER-STATUS-INTERVAL",
    applies=is_standby,
)
def no_status(node: AuditedNode) -> Iterator[Violation]:
    """By default 10 s."""
    if node.number("wal_receiver_status_interval") == 0:
        yield Violation(
            f"{node.name} does not report how far it is: wal_receiver_status_interval is 0",
            node.evidence("wal_receiver_status_interval"),
            set_to(node, "wal_receiver_status_interval", "10s"),
        )


@audit_rule(
    "PG-SBY-009",
    "A standby waits for ever on a dead connection",
    "node",
    "warning",
    reads=("wal_receiver_timeout",),
    condition="`wal_receiver_timeout` is 0 on a standby",
    why="When the primary or the network vanishes without closing the connection, the standby waits for hours as if "
    "all were well, and does not connect again.",
    effect="reload",
    reference=f"{REPLICATION}WAL-RECEIVER-TIMEOUT",
    applies=is_standby,
)
def no_receiver_timeout(node: AuditedNode) -> Iterator[Violation]:
    """By default 60 s."""
    if node.number("wal_receiver_timeout") == 0:
        yield Violation(
            f"{node.name} does not notice a dead connection to its upstream: wal_receiver_timeout is 0",
            node.evidence("wal_receiver_timeout"),
            set_to(node, "wal_receiver_timeout", "60s"),
        )


@audit_rule(
    "PG-SBY-010",
    "A standby does not follow a promotion",
    "node",
    "warning",
    reads=("recovery_target_timeline",),
    condition="`recovery_target_timeline` is not `latest` on a standby",
    why="After a failover this standby stays on the old timeline and receives nothing from the new primary.",
    effect="restart",
    reference=_RECOVERY,
    applies=is_standby,
)
def fixed_timeline(node: AuditedNode) -> Iterator[Violation]:
    """``latest`` is the default since 12."""
    if node.text("recovery_target_timeline") != "latest":
        yield Violation(
            f"{node.name} does not follow a promotion: recovery_target_timeline is "
            f"{node.shown('recovery_target_timeline')}",
            node.evidence("recovery_target_timeline"),
            set_to(node, "recovery_target_timeline", "latest", restart=True),
        )


@audit_rule(
    "PG-SBY-011",
    "A standby stops at a recovery target",
    "node",
    "warning",
    reads=TARGETS,
    condition="a `recovery_target` setting is set on a standby",
    why="It stops replay, is promoted or shuts down when it gets there. The setting is usually left over from a "
    "restore.",
    effect="restart",
    reference=f"{DOCS}runtime-config-wal.html#RUNTIME-CONFIG-WAL-RECOVERY-TARGET",
    applies=is_standby,
)
def recovery_target(node: AuditedNode) -> Iterator[Violation]:
    """Each target is a setting of its own."""
    for name in TARGETS:
        if node.text(name):
            yield Violation(
                f"{node.name} stops replay at {name} = {node.text(name)}",
                node.evidence(name, "recovery_target_action"),
                set_to(node, name, None, restart=True),
                name=name,
            )


@audit_rule(
    "PG-SBY-012",
    "The password of replication is in a setting",
    "node",
    "info",
    reads=("primary_conninfo",),
    condition="`primary_conninfo` has a password",
    why="Everybody who may read settings (pg_monitor, pg_read_all_settings) or the data directory reads it, and it "
    "is in "
    "every base backup.",
    effect="reload",
    reference=f"{DOCS}libpq-pgpass.html",
)
def password_in_conninfo(node: AuditedNode) -> Iterator[Violation]:
    """pg_basebackup -R writes it there, so it is only mentioned."""
    settings = node.group("settings", node.look.settings)
    node.text("primary_conninfo")
    setting = settings.get("primary_conninfo")
    if setting is not None and setting.secret:
        yield Violation(
            f"primary_conninfo of {node.name} has the password in clear",
            node.evidence("primary_conninfo"),
            (
                say(
                    node.name, "Put the password into ~/.pgpass of the server's user, for database replication", "safe"
                ),
                say(node.name, "Then take password=... out of primary_conninfo and reload the configuration"),
            ),
        )


@audit_rule(
    "PG-SBY-013",
    "A standby has no name on its upstream",
    "node",
    "info",
    reads=("primary_conninfo", "cluster_name"),
    condition="neither `application_name` in `primary_conninfo` nor `cluster_name` is set on a standby",
    why="It is called walreceiver, as every other standby without a name. Nobody can tell them apart, and "
    "synchronous_standby_names cannot name it.",
    effect="reload",
    reference=f"{REPLICATION}PRIMARY-CONNINFO",
    applies=is_standby,
)
def nameless(node: AuditedNode) -> Iterator[Violation]:
    """The plain way of setting up a standby, so it is only mentioned."""
    conninfo = node.text("primary_conninfo")
    if conninfo and not node.text("cluster_name") and "application_name" not in conninfo:
        yield Violation(
            f"{node.name} replicates under the name walreceiver",
            node.evidence("primary_conninfo", "cluster_name"),
            (say(node.name, "Add application_name=... with a name of its own to primary_conninfo, then reload"),),
        )


@audit_rule(
    "PG-SBY-014",
    "The slot of a standby vanishes when it is needed",
    "node",
    "info",
    reads=("wal_receiver_create_temp_slot", "primary_slot_name"),
    condition="`wal_receiver_create_temp_slot` is on and `primary_slot_name` is empty",
    why="The temporary slot keeps WAL only while the standby is connected. It is dropped when the connection breaks, "
    "which is when WAL must be kept.",
    effect="reload",
    reference=f"{REPLICATION}WAL-RECEIVER-CREATE-TEMP-SLOT",
    applies=is_standby,
)
def temporary_slot(node: AuditedNode) -> Iterator[Violation]:
    """PG-WAL-004 has the harm where nothing else keeps WAL."""
    if node.on("wal_receiver_create_temp_slot") and not node.text("primary_slot_name"):
        yield Violation(
            f"the slot of {node.name} is temporary: it goes with the connection",
            node.evidence("wal_receiver_create_temp_slot", "primary_slot_name"),
            (say(node.name, "Create a physical slot on its upstream and name it in primary_slot_name", "safe"),),
        )


@audit_rule(
    "PG-SBY-015",
    "Slot synchronization lacks what it needs",
    "node",
    "warning",
    reads=("sync_replication_slots", "hot_standby_feedback", "primary_slot_name", "primary_conninfo", "wal_level"),
    condition="`sync_replication_slots` is on and one of the others is not set",
    why="The worker does not start, which only a line of the server log says. After a promotion the subscribers have "
    "no slot, and must be built anew.",
    effect="reload",
    reference=f"{DOCS}logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS-SYNCHRONIZATION",
    since=17,
    applies=is_standby,
)
def slot_sync_incomplete(node: AuditedNode) -> Iterator[Violation]:
    """The four conditions of the worker, in the words of its messages."""
    if not node.on("sync_replication_slots"):
        return
    lacking = [
        *(["hot_standby_feedback is off"] if not node.on("hot_standby_feedback") else []),
        *(["primary_slot_name is empty"] if not node.text("primary_slot_name") else []),
        *(["primary_conninfo has no dbname"] if "dbname=" not in node.text("primary_conninfo") else []),
        *(["wal_level is below logical"] if node.text("wal_level") != "logical" else []),
    ]
    if lacking:
        yield Violation(
            f"slots are not synchronized to {node.name}: {', '.join(lacking)}",
            node.evidence(
                "sync_replication_slots", "hot_standby_feedback", "primary_slot_name", "primary_conninfo", "wal_level"
            ),
            (say(node.name, f"On {node.name}, set what is missing: {', '.join(lacking)}"),),
        )
