"""Rules about a subscriber by itself."""

from collections.abc import Iterator

from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    LOGICAL,
    REPLICATION,
    has_subscriptions,
    look,
    say,
    set_to,
)
from leadline_streams.audit.node import AuditedNode, Unseen
from leadline_streams.audit.rule import Violation, audit_rule

MANY_ROWS = 10_000
_SUBSCRIPTIONS = f"{DOCS}runtime-config-replication.html#RUNTIME-CONFIG-REPLICATION-SUBSCRIBER"


def enabled(node: AuditedNode) -> int:
    """The number of subscriptions of all databases that are to run. Raises Unseen."""
    node.seen("subscriptions")
    return sum(1 for each in node.sample.subscriptions if each.enabled)


@audit_rule(
    "PG-LOG-005",
    "There are not enough workers for the subscriptions",
    "node",
    "critical",
    reads=("max_logical_replication_workers", "max_worker_processes", "pg_subscription"),
    condition="`max_logical_replication_workers` or `max_worker_processes` is too small for the enabled subscriptions",
    why="Some subscriptions get no worker and receive nothing, which only a line of the server log says. With none "
    "to spare, "
    "no table is copied.",
    effect="restart",
    reference=_SUBSCRIPTIONS,
    applies=has_subscriptions,
)
def too_few_workers(node: AuditedNode) -> Iterator[Violation]:
    """One for each subscription and one for copies; one more process starts them all."""
    wanted = enabled(node)
    for name, own in (("max_logical_replication_workers", 0), ("max_worker_processes", 1)):
        limit = node.number(name)
        if limit is not None and wanted and limit <= wanted + own:
            lacks = limit < wanted + own
            yield Violation(
                f"{wanted} subscriptions of {node.name} need workers, and {name} is {limit}"
                + ("" if lacks else ", which leaves none to copy tables"),
                node.evidence(name),
                set_to(node, name, str(wanted + own + 4), restart=True),
                name=name,
                severity=None if lacks else "warning",
            )


@audit_rule(
    "PG-LOG-006",
    "There is no room for the origins of the subscriptions",
    "node",
    "critical",
    reads=("max_replication_slots", "max_active_replication_origins", "pg_subscription"),
    condition="`max_active_replication_origins` (before 18: `max_replication_slots`) is too small for the "
    "subscriptions",
    why="Each subscription and each running copy needs one. Without, its worker fails and starts again, for ever.",
    effect="restart",
    reference=_SUBSCRIPTIONS,
    applies=has_subscriptions,
)
def too_few_origins(node: AuditedNode) -> Iterator[Violation]:
    """18 has a setting of its own for it."""
    name = "max_active_replication_origins" if node.has("max_active_replication_origins") else "max_replication_slots"
    limit, wanted = node.number(name), enabled(node)
    if limit is not None and wanted and limit <= wanted:
        yield Violation(
            f"{wanted} subscriptions of {node.name} need replication origins, and {name} is {limit}"
            + ("" if limit < wanted else ", which leaves none to copy tables"),
            node.evidence(name),
            set_to(node, name, str(wanted + 4), restart=True),
            severity=None if limit < wanted else "warning",
        )


@audit_rule(
    "PG-LOG-007",
    "A subscription is disabled",
    "node",
    "warning",
    reads=("pg_subscription.subenabled",),
    condition="a subscription with a slot is disabled",
    why="It receives nothing, and its slot keeps WAL and dead rows on the publisher.",
    reference=f"{DOCS}sql-altersubscription.html",
    applies=has_subscriptions,
)
def disabled(node: AuditedNode) -> Iterator[Violation]:
    """By somebody, or by the server after an error (``disable_on_error``)."""
    for each in node.sample.subscriptions:
        if not each.enabled and each.slot:
            yield Violation(
                f"subscription {each.name} on {node.name} is disabled, and its slot {each.slot} keeps WAL on the "
                f"publisher",
                steps=(
                    look(node.name, "SELECT * FROM pg_stat_subscription" + ("_stats" if node.major >= 15 else "")),
                    say(
                        node.name,
                        f"Find out why; then ALTER SUBSCRIPTION {each.in_sql} ENABLE, or drop it with its slot",
                    ),
                ),
                name=each.name,
            )


@audit_rule(
    "PG-LOG-008",
    "Each change reads a whole table",
    "node",
    "warning",
    reads=("pg_subscription_rel", "pg_index", "pg_stat_all_tables"),
    condition=f"no index helps to find the row that is changed in a subscribed table of {MANY_ROWS} rows or more",
    why="Every updated or deleted row costs a scan of the table, so the subscriber falls behind without limit.",
    reference=f"{LOGICAL}-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY",
    applies=has_subscriptions,
)
def scans(node: AuditedNode) -> Iterator[Violation]:
    """By the sizes that the statistics estimate."""
    for table in node.sample.slow_tables or ():
        if table.scanned and table.rows >= MANY_ROWS:
            yield Violation(
                f"each change of {table.name} reads {table.rows} rows on {node.name}",
                steps=(
                    say(
                        node.name, f"Create a primary key, or the index of the replica identity, on {table.name} there"
                    ),
                ),
                name=table.name,
            )
    if node.sample.slow_tables is None:
        raise Unseen(f"{node.name}: the tables of its subscriptions were not read")


@audit_rule(
    "PG-LOG-009",
    "Triggers fire for replicated rows",
    "node",
    "info",
    reads=("pg_trigger.tgenabled",),
    condition="a subscribed table has a trigger with ENABLE REPLICA or ENABLE ALWAYS",
    why="What the trigger did on the publisher is replicated, and it does it again here.",
    reference=f"{DOCS}sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER",
    applies=has_subscriptions,
)
def triggers(node: AuditedNode) -> Iterator[Violation]:
    """Somebody enabled it on purpose, so it is only mentioned."""
    for table in node.sample.slow_tables or ():
        if table.triggers:
            yield Violation(
                f"triggers of {table.name} fire for replicated rows on {node.name}: {', '.join(table.triggers)}",
                steps=(
                    say(
                        node.name,
                        f"See that none of them does what the publisher's did: {', '.join(table.triggers)}",
                        "look",
                    ),
                ),
                name=table.name,
            )
    if node.sample.slow_tables is None:
        raise Unseen(f"{node.name}: the tables of its subscriptions were not read")


@audit_rule(
    "PG-LOG-010",
    "A subscriber cannot see where rows were changed",
    "node",
    "info",
    reads=("track_commit_timestamp",),
    condition="`track_commit_timestamp` is off on a subscriber",
    why="Rows that were changed here and there are overwritten without being counted as conflicts: the data differs "
    "and nothing says so.",
    effect="restart",
    reference=f"{REPLICATION}TRACK-COMMIT-TIMESTAMP",
    since=18,
    applies=has_subscriptions,
)
def blind_to_conflicts(node: AuditedNode) -> Iterator[Violation]:
    """Conflicts are counted since 18. The default is off, so it is only mentioned."""
    if node.text("track_commit_timestamp") == "off":
        yield Violation(
            f"{node.name} cannot see conflicting changes: track_commit_timestamp is off",
            node.evidence("track_commit_timestamp"),
            set_to(node, "track_commit_timestamp", "on", restart=True),
        )


@audit_rule(
    "PG-LOG-011",
    "An origin was left behind",
    "node",
    "info",
    reads=("pg_replication_origin", "pg_stat_subscription"),
    condition="the replication origin of a subscription exists without it",
    why="It takes one of the places that subscriptions need. It stays after a subscription was dropped by force.",
    reference=f"{DOCS}replication-origins.html",
)
def orphan_origin(node: AuditedNode) -> Iterator[Violation]:
    """Origins of other programs have other names."""
    names = [each.name for each in node.group("origins", node.look.origins) if not each.used]
    if names and node.is_primary:
        node.seen("subscriptions")
        yield Violation(
            f"origins of subscriptions that are gone are left on {node.name}: {', '.join(names[:3])}",
            steps=(
                look(
                    node.name,
                    "SELECT roname FROM pg_replication_origin WHERE roname NOT IN "
                    "(SELECT 'pg_' || subid FROM pg_stat_subscription)",
                ),
                say(node.name, "Where no copy of a table runs: SELECT pg_replication_origin_drop('...')"),
            ),
        )
