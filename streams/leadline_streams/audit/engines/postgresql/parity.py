"""Rules about what a standby must have as its upstream has it."""

from collections.abc import Iterator

from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    HOT,
    is_physical,
    is_streaming,
    logical_slots,
    look,
    say,
    set_to,
    slots,
)
from leadline_streams.audit.fleet import AuditedLink
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.mismatches import HOT_STANDBY, LEVELS
from leadline_streams.engines.postgresql.statements import show_settings, show_slots

EXPECTED_ALIKE = (
    *("autovacuum", "checkpoint_timeout", "default_transaction_isolation", "effective_cache_size", "log_timezone"),
    *("maintenance_work_mem", "max_slot_wal_keep_size", "max_wal_size", "password_encryption", "shared_buffers"),
    *("synchronous_commit", "track_commit_timestamp", "wal_compression", "wal_keep_size", "wal_sender_timeout"),
)
"""Settings by which a server behaves another way after a failover. Names, addresses and what a role has for itself are
left out: https://github.com/OPMDG/check_pgactivity/issues/174."""


@audit_rule(
    "PG-PAR-001",
    "A setting of a standby is lower than on its primary",
    "link",
    "critical",
    reads=HOT_STANDBY,
    condition="one of these settings is lower on a standby than on its upstream",
    why="When the primary restarts with the higher value, replay pauses, and the standby refuses to start again.",
    effect="restart",
    reference=HOT,
    applies=is_physical,
)
def too_low(link: AuditedLink) -> Iterator[Violation]:
    """The five that the server compares."""
    for name in HOT_STANDBY:
        theirs, ours = link.up.number(name), link.down.number(name)
        if theirs is not None and ours is not None and ours < theirs:
            yield Violation(
                f"{name} is {ours} on {link.down.name} and {theirs} on {link.up.name}",
                (*link.down.evidence(name), *link.up.evidence(name)),
                set_to(link.down, name, str(theirs), restart=True),
                name=name,
            )


@audit_rule(
    "PG-PAR-002",
    "wal_level of a standby is lower than on its primary",
    "link",
    "warning",
    reads=("wal_level",),
    condition="`wal_level` is lower on a standby than on its upstream",
    why="When this standby is promoted, subscribers cannot follow it, and logical slots on it are invalidated.",
    effect="restart",
    reference=f"{DOCS}runtime-config-wal.html#GUC-WAL-LEVEL",
    until=18,
    applies=is_physical,
)
def lower_level(link: AuditedLink) -> Iterator[Violation]:
    """From 19 on the effective level may be higher than the setting."""
    theirs, ours = link.up.text("wal_level"), link.down.text("wal_level")
    if theirs in LEVELS and ours in LEVELS and LEVELS.index(ours) < LEVELS.index(theirs):
        yield Violation(
            f"wal_level is {ours} on {link.down.name} and {theirs} on {link.up.name}",
            (*link.down.evidence("wal_level"), *link.up.evidence("wal_level")),
            set_to(link.down, "wal_level", theirs, restart=True),
        )


@audit_rule(
    "PG-PAR-003",
    "A standby is older than its primary",
    "link",
    "warning",
    reads=("server_version_num",),
    condition="the minor version of a standby is lower than that of its upstream",
    why="A newer server may write WAL that an older one does not replay rightly. The order of an update is standbys "
    "first, "
    "then the primary.",
    effect="restart",
    reference=f"{DOCS}warm-standby.html#STANDBY-PLANNING",
    applies=is_physical,
)
def older_standby(link: AuditedLink) -> Iterator[Violation]:
    """The other way round is how an update goes on."""
    theirs, ours = link.up.node.version_num, link.down.node.version_num
    if ours < theirs:
        yield Violation(
            f"{link.down.name} runs {link.down.node.version.split()[0]} and follows {link.up.name}, which runs "
            f"{link.up.node.version.split()[0]}",
            steps=(
                say(link.down.name, f"Install the minor version of {link.up.name} on {link.down.name} and restart it"),
            ),
        )


@audit_rule(
    "PG-PAR-004",
    "A standby sorts text in another order than its primary",
    "link",
    "critical",
    reads=("pg_database_collation_actual_version()", "pg_collation_actual_version()"),
    condition="the version of the library that sorts a database differs at the two ends",
    why="Indexes are copied byte for byte: on the standby, queries miss rows, and once it is promoted unique indexes "
    "accept "
    "duplicates.",
    reference=f"{DOCS}sql-altercollation.html#SQL-ALTERCOLLATION-NOTES",
    applies=is_physical,
)
def other_library(link: AuditedLink) -> Iterator[Violation]:
    """The catalog is replicated, so only the libraries themselves can be compared. Without versions (C, musl) none is.

    https://github.com/supabase/supabase/issues/48853
    """
    theirs = {each.name: each for each in link.up.group("databases", link.up.look.databases)}
    for ours in link.down.group("databases", link.down.look.databases):
        there = theirs.get(ours.name)
        if there is not None and there.actual and ours.actual and there.actual != ours.actual:
            yield Violation(
                f"database {ours.name} is sorted by version {ours.actual} on {link.down.name} and {there.actual} on "
                f"{link.up.name}",
                steps=(
                    say(
                        link.down.name,
                        f"Run {link.down.name} on the operating system, or with the ICU, of {link.up.name}",
                    ),
                    say(
                        link.down.name, "After a promotion with another library: REINDEX what sorts text, first of all"
                    ),
                ),
                name=ours.name,
            )


@audit_rule(
    "PG-PAR-005",
    "An extension is missing on a standby",
    "link",
    "warning",
    reads=("pg_extension", "pg_available_extensions"),
    condition="the files of an extension that is installed are missing on a standby and there at its upstream",
    why="Queries that use it fail on the standby, and everything that uses it after a promotion.",
    reference=f"{DOCS}warm-standby.html#STANDBY-PLANNING",
    applies=is_physical,
)
def extension_missing(link: AuditedLink) -> Iterator[Violation]:
    """The catalog is replicated; the files are not. Of the database that both looks were in."""
    if link.up.sample.database != link.down.sample.database:
        return
    theirs = {each.name: each for each in link.up.group("extensions", link.up.look.extensions)}
    for ours in link.down.group("extensions", link.down.look.extensions):
        there = theirs.get(ours.name)
        if there is not None and there.available and not ours.available:
            yield Violation(
                f"the files of extension {ours.name} are missing on {link.down.name}",
                steps=(
                    look(link.down.name, "SELECT name, default_version FROM pg_available_extensions ORDER BY name"),
                    say(link.down.name, f"Install the package of {ours.name} that {link.up.name} has", "safe"),
                ),
                name=ours.name,
            )


@audit_rule(
    "PG-PAR-006",
    "Libraries that are loaded at the start differ",
    "link",
    "warning",
    reads=("shared_preload_libraries",),
    condition="`shared_preload_libraries` has a library at the upstream that the standby does not load",
    why="After a promotion what needs the library fails or silently does not happen: statistics, audit, encryption, "
    "jobs.",
    effect="restart",
    reference=f"{DOCS}runtime-config-client.html#GUC-SHARED-PRELOAD-LIBRARIES",
    applies=is_physical,
)
def preload_differs(link: AuditedLink) -> Iterator[Violation]:
    """The order does not count, and neither do libraries that only the standby loads."""
    theirs, ours = (
        {each.strip().strip('"') for each in node.text("shared_preload_libraries").split(",")} - {""}
        for node in (link.up, link.down)
    )
    if lacking := sorted(theirs - ours):
        yield Violation(
            f"{link.down.name} does not load {', '.join(lacking)}, which {link.up.name} does",
            (*link.down.evidence("shared_preload_libraries"), *link.up.evidence("shared_preload_libraries")),
            (
                say(
                    link.down.name,
                    f"Add {', '.join(lacking)} to shared_preload_libraries on {link.down.name}, and restart it",
                ),
            ),
        )


@audit_rule(
    "PG-PAR-007",
    "A standby would behave another way as the primary",
    "link",
    "info",
    reads=EXPECTED_ALIKE,
    condition="one of these settings differs at the two ends",
    why="After a failover the same load meets another server: slower, with other limits, or with other guarantees.",
    effect="reload",
    reference=f"{DOCS}warm-standby.html#STANDBY-PLANNING",
    applies=is_physical,
)
def differs(link: AuditedLink) -> Iterator[Violation]:
    """Standbys may be meant to differ, so it is only mentioned. One finding has them all."""
    names = link.up.differing(link.down, EXPECTED_ALIKE)
    if names:
        listed = ", ".join(f"{name} ({link.down.shown(name)}, not {link.up.shown(name)})" for name in names[:4])
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        yield Violation(
            f"settings of {link.down.name} differ from those of {link.up.name}: {listed}{more}",
            tuple(each for name in names for node in (link.up, link.down) for each in node.evidence(name)),
            (show_settings(link.up.name, *names), show_settings(link.down.name, *names)),
        )


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
            if "replication" in line.databases and line.kind.startswith("host") and line.method != "reject"
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
