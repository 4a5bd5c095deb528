"""Rules about what fails at a standby when it connects, or when it is promoted."""

from collections.abc import Iterator

from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    is_physical,
    is_streaming,
    logical_slots,
    look,
    say,
    set_to,
    slots,
)
from leadline_streams.audit.engines.postgresql.security import from_the_network
from leadline_streams.audit.fleet import AuditedLink
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.statements import show_slots


@audit_rule(
    "PG-PAR-008",
    "The slot of a standby does not exist",
    "link",
    "critical",
    reads=("primary_slot_name", "pg_replication_slots"),
    condition="`primary_slot_name` names a slot that the upstream does not have",
    why="The upstream refuses the standby: it gets no WAL by streaming.",
    effect="reload",
    reference=f"{DOCS}runtime-config-replication.html#GUC-PRIMARY-SLOT-NAME",
    applies=is_streaming,
)
def slot_missing(link: AuditedLink) -> Iterator[Violation]:
    """The upstream that was found, which is the one that the standby asks."""
    name = link.down.text("primary_slot_name")
    if name and name not in {slot.name for slot in slots(link.up)}:
        yield Violation(
            f"{link.down.name} asks {link.up.name} for slot {name}, which does not exist there",
            link.down.evidence("primary_slot_name"),
            (
                show_slots(link.up.name),
                say(
                    link.up.name,
                    f"If the name is right: SELECT pg_create_physical_replication_slot('{name}', true)",
                    "safe",
                ),
            ),
            name=name,
        )


@audit_rule(
    "PG-PAR-009",
    "Slots do not fit on a standby",
    "link",
    "warning",
    reads=("max_replication_slots", "pg_replication_slots.failover"),
    condition="`max_replication_slots` of a standby is under the number of slots that are synchronized to it",
    why="Slots that do not fit are not synchronized, and their subscribers lose their place at a failover.",
    effect="restart",
    reference=f"{DOCS}logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS-SYNCHRONIZATION",
    since=17,
    applies=is_physical,
)
def slots_do_not_fit(link: AuditedLink) -> Iterator[Violation]:
    """Only if synchronization is on."""
    if not link.down.on("sync_replication_slots"):
        return
    wanted = [slot for slot in logical_slots(link.up) if slot.failover]
    own = [slot for slot in slots(link.down) if not slot.synced]
    limit = link.down.number("max_replication_slots")
    if limit is not None and len(wanted) + len(own) > limit:
        yield Violation(
            f"{len(wanted)} slots are to be synchronized to {link.down.name}, which has room for {limit - len(own)}",
            link.down.evidence("max_replication_slots"),
            set_to(link.down, "max_replication_slots", str(len(wanted) + len(own) + 2), restart=True),
        )


@audit_rule(
    "PG-PAR-010",
    "Only the standby's own machine could reach it as a primary",
    "link",
    "warning",
    reads=("listen_addresses",),
    condition="`listen_addresses` of a standby is local, and that of its upstream is not",
    why="After a failover no client and no other standby can connect to it; changing it needs a restart.",
    effect="restart",
    reference=f"{DOCS}runtime-config-connection.html#GUC-LISTEN-ADDRESSES",
    applies=is_physical,
)
def not_reachable(link: AuditedLink) -> Iterator[Violation]:
    """Empty: Unix sockets alone. A proxy on the same machine may be how all reach both, so both must differ."""
    if is_local_only(link.down.text("listen_addresses")) and not is_local_only(link.up.text("listen_addresses")):
        yield Violation(
            f"{link.down.name} listens on {link.down.shown('listen_addresses')} only, and {link.up.name} on "
            f"{link.up.shown('listen_addresses')}",
            (*link.down.evidence("listen_addresses"), *link.up.evidence("listen_addresses")),
            (say(link.down.name, f"Set listen_addresses on {link.down.name} as on {link.up.name}, and restart it"),),
        )


def is_local_only(addresses: str) -> bool:
    """Whether a server listens to its own machine only."""
    return all(each.strip() in ("localhost", "127.0.0.1", "::1", "") for each in addresses.split(","))


@audit_rule(
    "PG-PAR-011",
    "Nobody may replicate from a standby once it is promoted",
    "link",
    "warning",
    reads=("pg_hba_file_rules",),
    condition="`pg_hba.conf` of the upstream lets somebody replicate over the network, and that of the standby nobody",
    why="After a failover the old primary and all other standbys are refused by the new one.",
    effect="reload",
    reference=f"{DOCS}auth-pg-hba-conf.html",
    applies=is_physical,
)
def hba_lacks_replication(link: AuditedLink) -> Iterator[Violation]:
    """Of entries that are not for the machine itself. Which addresses they must have cannot be known from here."""
    up, down = (
        [
            line
            for line in node.group("hba", node.look.hba)
            if "replication" in line.databases and from_the_network(line) and line.method != "reject"
        ]
        for node in (link.up, link.down)
    )
    if up and not down:
        yield Violation(
            f"pg_hba.conf of {link.down.name} lets nobody replicate, and that of {link.up.name} does",
            steps=(
                look(link.up.name, "SELECT * FROM pg_hba_file_rules WHERE 'replication' = ANY (database)"),
                say(link.down.name, f"Add such entries to pg_hba.conf of {link.down.name}, and reload", "safe"),
            ),
        )
