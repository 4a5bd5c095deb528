"""Rules about slots: what they keep, and for whom."""

from collections.abc import Iterator

from leadline.model.replication import Slot
from leadline.words import size
from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    MIB,
    REPLICATION,
    logical_slots,
    look,
    say,
    set_to,
    slots,
)
from leadline_streams.audit.engines.postgresql.synchronous import ORCHESTRATED
from leadline_streams.audit.node import AuditedNode
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.statements import drop_slot, show_slot, show_slots

FEW_XIDS = 50_000_000
MANY_XIDS = 500_000_000
MOVED_ON_BYTES = 64 * MIB
"""A slot that an orchestrator moves on retains less."""
UNUSED_S = 300.0
"""A consumer that is restarted is back in this time."""
SHORT_IDLE_S = 3600.0
SHIPPED = frozenset({"pgoutput", "test_decoding"})
"""Output plugins that come with the server."""


@audit_rule(
    "PG-WAL-002",
    "Slots may keep WAL without limit",
    "node",
    "warning",
    reads=("max_slot_wal_keep_size", "pg_replication_slots"),
    condition="a server has slots and `max_slot_wal_keep_size` is -1",
    why="A consumer that does not come back fills the disk of this server, and it stops for everybody.",
    effect="reload",
    reference=f"{REPLICATION}MAX-SLOT-WAL-KEEP-SIZE",
)
def unlimited_slots(node: AuditedNode) -> Iterator[Violation]:
    """Synchronized slots follow those of the primary, which has the limit."""
    names = [slot.name for slot in slots(node) if not slot.synced]
    if names and node.number("max_slot_wal_keep_size") == -1:
        yield Violation(
            f"slots can fill the disk of {node.name}: max_slot_wal_keep_size is -1 (unlimited)",
            node.evidence("max_slot_wal_keep_size"),
            (
                show_slots(node.name),
                say(
                    node.name,
                    "Set max_slot_wal_keep_size to less than the free room of the disk of pg_wal, and to more than "
                    "the WAL of the longest outage of a consumer that must be survived; then reload",
                ),
            ),
        )


@audit_rule(
    "PG-WAL-003",
    "Slots are lost at a short outage",
    "node",
    "warning",
    reads=("max_slot_wal_keep_size", "max_wal_size", "pg_replication_slots"),
    condition="`max_slot_wal_keep_size` is smaller than `max_wal_size`",
    why="A consumer that is away for one checkpoint finds its slot lost, and must be built anew.",
    effect="reload",
    reference=f"{REPLICATION}MAX-SLOT-WAL-KEEP-SIZE",
)
def short_slots(node: AuditedNode) -> Iterator[Violation]:
    """A checkpoint may be as far away as max_wal_size."""
    keeps, checkpoint = node.size_bytes("max_slot_wal_keep_size"), node.size_bytes("max_wal_size")
    if slots(node) and keeps is not None and checkpoint is not None and 0 <= keeps < checkpoint:
        yield Violation(
            f"slots of {node.name} are lost after {size(keeps)} of WAL, less than one checkpoint ({size(checkpoint)})",
            node.evidence("max_slot_wal_keep_size", "max_wal_size"),
            (
                show_slots(node.name),
                say(node.name, "Raise max_slot_wal_keep_size to the WAL of the longest outage to survive; then reload"),
            ),
        )


@audit_rule(
    "PG-WAL-005",
    "A slot has no consumer",
    "node",
    "warning",
    reads=("pg_replication_slots.active",),
    condition="a slot is not in use; since 17 for over five minutes",
    why="It keeps WAL and dead rows until somebody comes for them or drops it.",
    reference=f"{DOCS}view-pg-replication-slots.html",
)
def unused_slot(node: AuditedNode) -> Iterator[Violation]:
    """Slots that the server synchronizes are never active. Before 17 it cannot be seen for how long.

    Orchestrators keep slots of the members on standbys and advance them: https://github.com/patroni/patroni/issues/3145,
    https://github.com/samber/awesome-prometheus-alerts/issues/474.
    """
    for slot in slots(node):
        if slot.active or slot.synced or slot.wal_status == "lost" or slot.restart_lsn is None:
            continue
        if slot.inactive_s is not None and slot.inactive_s < UNUSED_S:
            continue
        yield Violation(
            f"nobody uses slot {slot.name} on {node.name}"
            + (f", which keeps {size(slot.retained_bytes)} of WAL" if slot.retained_bytes else ""),
            steps=(
                show_slot(node.name, slot.name),
                say(
                    node.name,
                    "Find out whose it is, and start its consumer again. Only if that is gone for good, drop it",
                    "look",
                ),
            ),
            name=slot.name,
            severity="info" if slot.inactive_s is None or node.is_standby or _moved_on(node, slot) else None,
        )


def _moved_on(node: AuditedNode, slot: Slot) -> bool:
    """Whether an orchestrator keeps the slot for a member that follows another one."""
    kept = slot.kind == "physical" and node.node.flavour in ORCHESTRATED
    return kept and slot.retained_bytes is not None and slot.retained_bytes < MOVED_ON_BYTES


@audit_rule(
    "PG-WAL-006",
    "A slot holds back vacuum",
    "node",
    "critical",
    reads=("pg_replication_slots.xmin", "pg_replication_slots.catalog_xmin"),
    condition="`xmin` or `catalog_xmin` of a slot is older than 50 million transactions; critical from 500 million",
    why="Vacuum cannot remove rows that died since, nor freeze: tables and catalogs grow, up to the point where the "
    "server stops to protect itself from wraparound.",
    reference=f"{DOCS}routine-vacuuming.html#VACUUM-FOR-WRAPAROUND",
)
def old_horizon(node: AuditedNode) -> Iterator[Violation]:
    """Also of a slot that is in use."""
    for slot in slots(node):
        age = max(slot.xmin_age or 0, slot.catalog_xmin_age or 0)
        if age > FEW_XIDS:
            yield Violation(
                f"slot {slot.name} on {node.name} holds back vacuum by {age / 1e6:.0f} million transactions",
                steps=(
                    show_slot(node.name, slot.name),
                    say(node.name, "Find out why its consumer does not go on", "look"),
                ),
                name=slot.name,
                severity="critical" if age > MANY_XIDS else "warning",
            )


@audit_rule(
    "PG-WAL-008",
    "No slot is left",
    "node",
    "warning",
    reads=("max_replication_slots", "pg_replication_slots"),
    condition="as many slots exist as `max_replication_slots` allows",
    why="Neither a standby nor a subscription with a slot can be added, and the initial copy of a table needs one "
    "for a "
    "moment.",
    effect="restart",
    reference=f"{REPLICATION}MAX-REPLICATION-SLOTS",
)
def no_slot_left(node: AuditedNode) -> Iterator[Violation]:
    """Temporary ones count."""
    node.seen("slots")
    limit, used = node.number("max_replication_slots"), len(node.sample.slots)
    if limit is not None and used and used >= limit:
        yield Violation(
            f"all {limit} slots of {node.name} exist",
            node.evidence("max_replication_slots"),
            (show_slots(node.name), *set_to(node, "max_replication_slots", str(limit + 5), restart=True)),
        )


@audit_rule(
    "PG-WAL-009",
    "Slots are invalidated during maintenance",
    "node",
    "warning",
    reads=("idle_replication_slot_timeout", "pg_replication_slots"),
    condition="`idle_replication_slot_timeout` is over 0 and under an hour, and the server has slots",
    why="A standby or subscriber that is down for that long finds its slot invalidated, and must be built anew.",
    effect="reload",
    reference=f"{REPLICATION}IDLE-REPLICATION-SLOT-TIMEOUT",
    since=18,
)
def short_idle_timeout(node: AuditedNode) -> Iterator[Violation]:
    """By default it is off."""
    timeout_s = node.seconds("idle_replication_slot_timeout")
    if timeout_s is not None and 0 < timeout_s < SHORT_IDLE_S and slots(node):
        yield Violation(
            f"slots of {node.name} are invalidated when they are unused for "
            f"{node.shown('idle_replication_slot_timeout')}",
            node.evidence("idle_replication_slot_timeout"),
            set_to(node, "idle_replication_slot_timeout", "1d"),
        )


@audit_rule(
    "PG-WAL-012",
    "A slot is lost",
    "node",
    "critical",
    reads=("pg_replication_slots.wal_status", "pg_replication_slots.invalidation_reason"),
    condition="a slot is lost or invalidated",
    why="The WAL or the rows that its consumer needs are removed, and the slot can never be used again. A subscriber "
    "has to be built anew; a standby only if no archive has the WAL that it lacks.",
    reference=f"{DOCS}view-pg-replication-slots.html",
)
def lost_slot(node: AuditedNode) -> Iterator[Violation]:
    """Dropping it loses nothing that is not lost, but its owner must know."""
    for slot in slots(node):
        if slot.wal_status == "lost" or slot.invalidation_reason or slot.conflicting:
            reason = f" ({slot.invalidation_reason})" if slot.invalidation_reason else ""
            remedy = (
                "Build its consumer anew with a new slot; when that runs:"
                if slot.kind == "logical"
                else "Give its standby a new slot. It goes on if its restore_command finds the WAL that it lacks, and "
                "has to be built anew if not. When it streams again:"
            )
            yield Violation(
                f"slot {slot.name} on {node.name} is lost{reason}",
                steps=(
                    show_slot(node.name, slot.name),
                    say(node.name, remedy, "careful"),
                    drop_slot(node.name, slot.name),
                ),
                name=slot.name,
            )


@audit_rule(
    "PG-WAL-013",
    "An output plugin is not allowed",
    "node",
    "critical",
    reads=("output_plugin_libraries", "pg_replication_slots.plugin"),
    condition="the plugin of a logical slot is not in `output_plugin_libraries`",
    why="The server refuses to decode for it: its consumer gets nothing, and the slot keeps WAL. The minor releases of "
    "August 2026 brought the setting.",
    effect="reload",
    reference=f"{REPLICATION}OUTPUT-PLUGIN-LIBRARIES",
)
def plugin_not_allowed(node: AuditedNode) -> Iterator[Violation]:
    """Minors before that do not have the setting, and are not violated."""
    found = [slot for slot in logical_slots(node) if slot.plugin]
    if not found or not node.has("output_plugin_libraries"):
        return
    allowed = {each.strip().strip('"') for each in node.text("output_plugin_libraries").split(",")}
    if "*" in allowed:
        return
    for slot in found:
        if slot.plugin not in allowed:
            wanted = ",".join(sorted({*(each for each in allowed if each), str(slot.plugin)}))
            yield Violation(
                f"slot {slot.name} on {node.name} cannot be decoded: its plugin {slot.plugin} is not in "
                f"output_plugin_libraries",
                node.evidence("output_plugin_libraries"),
                set_to(node, "output_plugin_libraries", wanted),
                name=slot.name,
            )


@audit_rule(
    "PG-WAL-014",
    "An output plugin is not allowed after the next update",
    "node",
    "info",
    reads=("output_plugin_libraries", "pg_replication_slots.plugin"),
    condition="a logical slot has a plugin of a third party, on a minor before `output_plugin_libraries`",
    why="The minor releases of August 2026 refuse plugins that are not listed in output_plugin_libraries: decoding "
    "stops with the update, until the setting is there.",
    reference="https://www.postgresql.org/docs/release/18.6/",
)
def plugin_refused_later(node: AuditedNode) -> Iterator[Violation]:
    """Plugins that come with the server are listed by default."""
    for slot in logical_slots(node):
        if slot.plugin and slot.plugin not in SHIPPED and not node.has("output_plugin_libraries"):
            yield Violation(
                f"slot {slot.name} on {node.name} uses the plugin {slot.plugin}, which the next minor release "
                f"refuses until "
                "it is listed",
                steps=(
                    look(node.name, "SELECT slot_name, plugin FROM pg_replication_slots WHERE plugin IS NOT NULL"),
                    say(node.name, f"With the update, set output_plugin_libraries so that it has {slot.plugin}"),
                ),
                name=slot.name,
            )
