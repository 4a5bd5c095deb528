"""Rules about settings and software that a standby must have as its upstream has them."""

from collections.abc import Iterator

from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    HOT,
    is_physical,
    look,
    say,
    set_to,
)
from leadline_streams.audit.fleet import AuditedLink
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.mismatches import HOT_STANDBY, LEVELS
from leadline_streams.engines.postgresql.statements import show_settings

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
    "accept duplicates.",
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
        {each.strip().strip('"').removeprefix("$libdir/") for each in node.text("shared_preload_libraries").split(",")}
        - {""}
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
