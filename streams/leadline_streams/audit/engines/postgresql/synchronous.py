"""Rules about standbys that commits wait for."""

from collections import Counter
from collections.abc import Iterator

from leadline.model.replication import Downstream
from leadline_streams.audit.engines.postgresql.common import REPLICATION, is_physical, say, set_to
from leadline_streams.audit.fleet import AuditedLink
from leadline_streams.audit.node import AuditedNode
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.statements import show_senders
from leadline_streams.engines.postgresql.synchronous import Wanted

WAITS_FOR_NOBODY = ("off", "local")
"""Values of synchronous_commit with which commits wait for no standby."""
ORCHESTRATED = frozenset({"patroni", "cloudnativepg"})
"""Orchestrators that set synchronous_standby_names when a member comes, goes or is promoted."""
_NAMES = f"{REPLICATION}SYNCHRONOUS-STANDBY-NAMES"


def wanted(node: AuditedNode) -> Wanted | None:
    """The standbys that commits of a primary wait for. Raises Unseen."""
    return Wanted.of(node.text("synchronous_standby_names"))


def requires(node: AuditedNode) -> bool:
    """A primary whose commits wait for standbys. Raises Unseen."""
    return node.is_primary and wanted(node) is not None


def bearing(node: AuditedNode, required: Wanted) -> list[Downstream]:
    """The connected downstreams that may confirm, each once. Raises Unseen."""
    node.seen("downstreams")
    names = {name.lower() for name in required.names}
    return [row for row in node.sample.downstreams if "*" in names or row.name.lower() in names]


@audit_rule(
    "PG-SYNC-001",
    "Commits wait for standbys that nobody is",
    "node",
    "critical",
    reads=("synchronous_standby_names", "pg_stat_replication"),
    condition="fewer connected standbys have a name in `synchronous_standby_names` than are required",
    why="Every commit waits for ever, with its locks; statement_timeout does not end the wait, and cancelled clients "
    "do not "
    "know that they are committed here.",
    effect="reload",
    reference=_NAMES,
    applies=requires,
)
def too_few(node: AuditedNode) -> Iterator[Violation]:
    """Names are compared without case, as the server does. Commits that wait for nobody are PG-SYNC-004."""
    required = wanted(node)
    if required is None or node.text("synchronous_commit") in WAITS_FOR_NOBODY:
        return
    present = bearing(node, required)
    if len(present) < required.count:
        missing = required.missing(node.sample.downstreams)
        yield Violation(
            _waiting(node, required, len(present)),
            node.evidence("synchronous_standby_names", "synchronous_commit"),
            (
                show_senders(node.name),
                say(
                    node.name,
                    f"Start the standbys named {', '.join(missing)}, or correct their application_name",
                    "safe",
                )
                if missing
                else say(node.name, "Start more standbys", "safe"),
                say(
                    node.name,
                    "Or take the names of those that are gone out of synchronous_standby_names and reload: then "
                    "commits do not wait for them, and a failover may lose what only this server has",
                ),
            ),
        )


def _waiting(node: AuditedNode, required: Wanted, present: int) -> str:
    if len(required.names) == 1 and required.count == 1:
        name = "any standby" if required.names[0] == "*" else f"standby {required.names[0]}"
        return f"commits on {node.name} wait for {name}, and none is connected"
    named = ", ".join(required.names)
    return f"commits on {node.name} wait for {required.count} of ({named}), of which {present} are connected"


@audit_rule(
    "PG-SYNC-002",
    "No synchronous standby may fail",
    "node",
    "warning",
    reads=("synchronous_standby_names", "pg_stat_replication"),
    condition="exactly as many standbys could confirm as are required",
    why="The restart of one of them stops all writes until it is back.",
    effect="reload",
    reference=_NAMES,
    applies=requires,
)
def none_to_spare(node: AuditedNode) -> Iterator[Violation]:
    """With fewer, PG-SYNC-001 says so. Orchestrators name the standbys themselves, and name another when one is gone.

    https://patroni.readthedocs.io/en/latest/replication_modes.html#synchronous-mode
    """
    required = wanted(node)
    if (
        required is not None
        and node.node.flavour not in ORCHESTRATED
        and len(bearing(node, required)) == required.count
    ):
        yield Violation(
            f"writes on {node.name} stop when its only synchronous standby stops"
            if required.count == 1
            else f"writes on {node.name} stop when one of its {required.count} synchronous standbys stops: there is "
            f"none to spare",
            node.evidence("synchronous_standby_names"),
            (
                show_senders(node.name),
                say(node.name, f"Add a standby, and name {required.count + 1} or more candidates", "look"),
            ),
        )


@audit_rule(
    "PG-SYNC-003",
    "Anything that receives WAL counts as a synchronous standby",
    "node",
    "warning",
    reads=("synchronous_standby_names", "pg_stat_replication"),
    condition="`synchronous_standby_names` is `*` while a subscriber or a program that keeps WAL is connected",
    why="Commits may wait for a subscriber, or count as safe because of one: a failover then loses transactions that "
    "were confirmed.",
    effect="reload",
    reference=_NAMES,
    applies=requires,
)
def anybody(node: AuditedNode) -> Iterator[Violation]:
    """Also with FIRST and ANY."""
    required = wanted(node)
    if required is None or "*" not in required.names:
        return
    node.seen("downstreams")
    others = [row for row in node.sample.downstreams if row.kind != "physical"]
    if others:
        named = ", ".join(sorted(row.name for row in others)[:3])
        yield Violation(
            f"commits on {node.name} count {named} as a synchronous standby, which is no standby",
            node.evidence("synchronous_standby_names"),
            (show_senders(node.name), say(node.name, "Name the standbys in synchronous_standby_names, and reload")),
        )


@audit_rule(
    "PG-SYNC-004",
    "Commits do not wait for the standbys that are required",
    "node",
    "warning",
    reads=("synchronous_standby_names", "synchronous_commit"),
    condition="`synchronous_standby_names` is set and `synchronous_commit` is off or local for the whole server",
    why="The standbys are named and nobody waits for them: a failover loses acknowledged transactions.",
    effect="reload",
    reference=_NAMES,
    applies=requires,
)
def bypassed(node: AuditedNode) -> Iterator[Violation]:
    """Single transactions may do so; a whole server does not mean it."""
    if node.text("synchronous_commit") in WAITS_FOR_NOBODY:
        yield Violation(
            f"commits on {node.name} do not wait for its synchronous standbys: synchronous_commit is "
            f"{node.text('synchronous_commit')}",
            node.evidence("synchronous_standby_names", "synchronous_commit"),
            set_to(node, "synchronous_commit", "on"),
        )


@audit_rule(
    "PG-SYNC-005",
    "A synchronous standby delays replay, and commits wait for it",
    "link",
    "critical",
    reads=("synchronous_standby_names", "synchronous_commit", "recovery_min_apply_delay"),
    condition="`synchronous_commit` is remote_apply and a candidate has `recovery_min_apply_delay` over 0",
    why="Each commit waits for the whole delay.",
    effect="reload",
    reference=f"{REPLICATION}RECOVERY-MIN-APPLY-DELAY",
    applies=is_physical,
)
def delayed_apply(link: AuditedLink) -> Iterator[Violation]:
    """Confirmed by the name under which the standby is connected."""
    required = wanted(link.up)
    if required is None or link.up.text("synchronous_commit") != "remote_apply":
        return
    names = {name.lower() for name in required.names}
    counts = "*" in names or link.sender_name.lower() in names
    if counts and (link.down.seconds("recovery_min_apply_delay") or 0) > 0:
        yield Violation(
            f"commits on {link.up.name} wait {link.down.shown('recovery_min_apply_delay')} for {link.down.name}",
            (*link.up.evidence("synchronous_commit"), *link.down.evidence("recovery_min_apply_delay")),
            set_to(link.down, "recovery_min_apply_delay", "0"),
        )


@audit_rule(
    "PG-SYNC-006",
    "Two standbys bear one required name",
    "node",
    "warning",
    reads=("synchronous_standby_names", "pg_stat_replication.application_name"),
    condition="two connected standbys have the same name, which `synchronous_standby_names` lists",
    why="Either of them confirms for both: a failover to the other one loses what it did not confirm.",
    effect="reload",
    reference=f"{REPLICATION}PRIMARY-CONNINFO",
    applies=requires,
)
def shared_name(node: AuditedNode) -> Iterator[Violation]:
    """With ``*`` each counts by itself."""
    required = wanted(node)
    if required is None:
        return
    rows = [row.name.lower() for row in bearing(node, required) if row.kind == "physical"]
    listed = {name.lower() for name in required.names}
    for name, count in sorted(Counter(rows).items()):
        if count > 1 and name in listed:
            yield Violation(
                f"{count} standbys of {node.name} are connected as {name}, which commits wait for",
                node.evidence("synchronous_standby_names"),
                (show_senders(node.name), say(None, "Give each standby an application_name of its own, and reload it")),
                name=name,
            )


@audit_rule(
    "PG-SYNC-007",
    "After a failover commits would wait for nobody",
    "link",
    "warning",
    reads=("synchronous_standby_names", "primary_conninfo", "cluster_name"),
    condition="`synchronous_standby_names` of a standby has no other name than its own",
    why="The file was copied from the primary. After the promotion every commit waits for this server under its old "
    "name, "
    "and all writes stop.",
    effect="reload",
    reference=_NAMES,
    applies=is_physical,
)
def waits_for_itself(link: AuditedLink) -> Iterator[Violation]:
    """On a standby the setting has no effect until it is promoted."""
    required = wanted(link.down) if link.down.node.flavour not in ORCHESTRATED else None
    own = link.sender_name.lower()
    if required is not None and own and {name.lower() for name in required.names} == {own}:
        yield Violation(
            f"once promoted, {link.down.name} would wait for itself: synchronous_standby_names is "
            f"{link.down.text('synchronous_standby_names')}",
            link.down.evidence("synchronous_standby_names"),
            (
                say(
                    link.down.name,
                    f"Name the standbys that {link.down.name} would have, or reset the setting, and reload",
                ),
            ),
        )
