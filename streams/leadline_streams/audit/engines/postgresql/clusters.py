"""Rules about all servers of a cluster together."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from leadline_streams.audit.engines.postgresql.common import DOCS, LOGICAL, look, physical_links, say
from leadline_streams.audit.fleet import AuditedFleet, AuditedLink
from leadline_streams.audit.node import AuditedNode, Unseen
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.statements import show_server, show_slot

AHEAD_S = 1.0


@audit_rule(
    "PG-CLU-001",
    "Two servers take writes for one database",
    "fleet",
    "critical",
    reads=("pg_is_in_recovery()", "pg_control_system()"),
    condition="two servers with the same system identifier are not in recovery",
    why="Clients that reach one or the other write data that can never be brought together. One of them may be an old "
    "primary, or a copy for tests.",
    reference=f"{DOCS}warm-standby-failover.html",
)
def two_writers(fleet: AuditedFleet) -> Iterator[Violation]:
    """A copy that was promoted on purpose looks the same."""
    by_system: dict[str, list[AuditedNode]] = defaultdict(list)
    for node in fleet.nodes:
        if node.is_primary and node.node.system_id:
            by_system[node.node.system_id].append(node)
    for nodes in by_system.values():
        if len({node.node.started_at for node in nodes}) > 1:
            names = ", ".join(str(node.name) for node in nodes)
            yield Violation(
                f"{names} all take writes for the same database",
                steps=(
                    *(show_server(node.name) for node in nodes),
                    say(None, "Find out to which of them clients write, before anything is stopped", "look"),
                ),
                name=names,
            )


@audit_rule(
    "PG-CLU-002",
    "Clocks differ",
    "fleet",
    "warning",
    reads=("clock_timestamp()",),
    condition=f"the clocks of two servers differ by more than {AHEAD_S:g} s for certain",
    why="Times of the two cannot be compared: lags by timestamps, server logs, and conflicts that the last writer "
    "wins.",
    reference=f"{DOCS}functions-admin.html#FUNCTIONS-RECOVERY-INFO-TABLE",
)
def clocks(fleet: AuditedFleet) -> Iterator[Violation]:
    """Each clock is known to the round trip of one question."""
    ahead: list[tuple[AuditedNode, float, float]] = []
    for node in fleet.nodes:
        look_of = node.look
        if look_of.asked_at is None:
            raise Unseen(f"{node.name}: its clock was not compared")
        most_s = (look_of.at - look_of.asked_at).total_seconds()
        ahead.append((node, most_s - look_of.round_trip_s, most_s))
    for (one, one_least, one_most), (two, two_least, two_most) in combinations(ahead, 2):
        apart_s = max(one_least - two_most, two_least - one_most)
        if apart_s > AHEAD_S:
            first, second = (one, two) if one_least > two_most else (two, one)
            yield Violation(
                f"the clock of {first.name} is at least {apart_s:.1f} s ahead of that of {second.name}",
                steps=(
                    say(
                        None,
                        "On both hosts, see that the clock is synchronized: chronyc tracking, or timedatectl",
                        "look",
                    ),
                ),
                name=f"{first.name} {second.name}",
            )


@audit_rule(
    "PG-CLU-003",
    "An update was left half done",
    "fleet",
    "info",
    reads=("server_version_num",),
    condition="servers of one physical cluster run different minor versions",
    why="Standbys first is right, and days between are not: the two have different defects, and a failover changes the "
    "version.",
    reference=f"{DOCS}upgrading.html",
)
def mixed_minors(fleet: AuditedFleet) -> Iterator[Violation]:
    """Subscribers may be of any version."""
    ends = {node.name: node for link in physical_links(fleet) for node in (link.up, link.down)}
    versions = defaultdict(list)
    for name, node in sorted(ends.items()):
        versions[node.node.version_num].append(str(name))
    if len(versions) > 1:
        listed = "; ".join(
            f"{version // 10000}.{version % 10000} on {', '.join(names)}" for version, names in sorted(versions.items())
        )
        yield Violation(
            f"minor versions are mixed: {listed}",
            steps=(say(None, "Finish the update: standbys first, then the primary", "look"),),
        )


@audit_rule(
    "PG-CLU-004",
    "Two downstreams use one slot",
    "fleet",
    "critical",
    reads=("primary_slot_name", "pg_subscription.subslotname"),
    condition="two standbys, or two subscriptions, name the same slot of one upstream",
    why="Only one of them can be connected. With a logical slot each gets a part of the changes, and none gets all.",
    reference=f"{DOCS}warm-standby.html#STREAMING-REPLICATION-SLOTS",
)
def shared_slot(fleet: AuditedFleet) -> Iterator[Violation]:
    """As often after a standby was made as a copy of another one."""
    users: dict[tuple[str, str], list[AuditedLink]] = defaultdict(list)
    for link in fleet.links:
        if link.slot_name:
            users[link.status.upstream, link.slot_name].append(link)
    for (upstream, slot), links in sorted(users.items()):
        if len(links) > 1:
            names = ", ".join(f"{link.down.name} {link.status.name}".rstrip() for link in links)
            yield Violation(
                f"slot {slot} of {upstream} is used by {names}",
                steps=(
                    show_slot(links[0].up.name, slot),
                    say(
                        links[0].up.name,
                        "Give each of them a slot of its own; a subscription that shared one has to be "
                        "compared with its publisher",
                    ),
                ),
                name=f"{upstream} {slot}",
            )


@audit_rule(
    "PG-CLU-005",
    "Standbys follow each other",
    "fleet",
    "critical",
    reads=("primary_conninfo",),
    condition="a standby follows, over others, itself",
    why="No WAL comes to any of them, while each is connected to one that runs.",
    reference=f"{DOCS}warm-standby.html#CASCADING-REPLICATION",
)
def circle(fleet: AuditedFleet) -> Iterator[Violation]:
    """All members of the circle are in one finding."""
    follows = {str(link.down.name): str(link.up.name) for link in physical_links(fleet) if link.down.is_standby}
    seen: set[str] = set()
    for start in sorted(follows):
        path: list[str] = []
        at = start
        while at in follows and at not in path and at not in seen:
            path.append(at)
            at = follows[at]
        seen.update(path)
        if at in path:
            members = path[path.index(at) :]
            yield Violation(
                f"{' follows '.join([*members, members[0]])}: no WAL comes to them",
                steps=(say(None, "Point one of them to the primary: primary_conninfo, then reload"),),
                name=" ".join(sorted(members)),
            )


@audit_rule(
    "PG-CLU-006",
    "Two servers bear one name",
    "fleet",
    "info",
    reads=("cluster_name",),
    condition="two servers have the same `cluster_name`",
    why="cluster_name is the name under which a standby replicates where no other is set, and the name in process "
    "lists: one "
    "is taken for the other.",
    reference=f"{DOCS}runtime-config-logging.html#GUC-CLUSTER-NAME",
)
def shared_names(fleet: AuditedFleet) -> Iterator[Violation]:
    """Patroni names all members after their cluster, and gives each an application_name: that is no mistake."""
    by_name: dict[str, list[AuditedNode]] = defaultdict(list)
    for node in fleet.nodes:
        named = "application_name" in node.text("primary_conninfo")
        if node.text("cluster_name") and not named and not node.node.flavour:
            by_name[node.text("cluster_name")].append(node)
    for name, nodes in sorted(by_name.items()):
        if len(nodes) > 1:
            yield Violation(
                f"{' and '.join(str(node.name) for node in nodes)} have the cluster_name {name}",
                steps=(say(None, "Give each server a cluster_name of its own, with its next restart"),),
                name=name,
            )


@audit_rule(
    "PG-CLU-007",
    "Changes go round in a circle",
    "fleet",
    "critical",
    reads=("pg_subscription.suborigin", "pg_subscription_rel"),
    condition="two databases subscribe to each other's changes of a table, and one of them not with `origin = none`",
    why="A change comes back to where it was made, and is sent again: inserts fail as duplicates, updates go round "
    "for ever.",
    reference=f"{LOGICAL}-subscription.html",
)
def both_ways(fleet: AuditedFleet) -> Iterator[Violation]:
    """``origin`` exists since 16; before, only other tables make it right."""
    logical = [link for link in fleet.links if link.status.link_kind == "logical" and link.subscription is not None]
    for one, two in combinations(logical, 2):
        if one.up is not two.down or two.up is not one.down:
            continue
        mine, theirs = one.subscription, two.subscription
        assert mine is not None
        assert theirs is not None
        if mine.origin == "none" and theirs.origin == "none":
            continue
        if not mine.enabled or not theirs.enabled:
            continue
        lists = [
            (link.down.sample.subscribes or {}).get(link.status.name) if link.subscription is not None else None
            for link in (one, two)
        ]
        if lists[0] is None or lists[1] is None:
            raise Unseen(f"the tables of {one.status.name} and {two.status.name} were not read")
        if shared := sorted(set(lists[0]) & set(lists[1])):
            yield Violation(
                f"changes of {', '.join(shared[:3])} go from {one.up.name} to {one.down.name} and back",
                steps=(
                    *(
                        look(
                            link.down.name, "SELECT subname, subenabled FROM pg_subscription", link.down.sample.database
                        )
                        for link in (one, two)
                    ),
                    say(
                        None, "On both: ALTER SUBSCRIPTION ... SET (origin = none), since 16; before, replicate one way"
                    ),
                ),
                name=f"{one.status.name} {two.status.name}",
            )
