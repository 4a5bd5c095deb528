"""``sync_standby_missing``: standbys that must confirm commits are not connected."""

from collections.abc import Iterator

from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.replication import Downstream
from leadline.words import duration
from leadline_streams.engines.postgresql.links import is_physical_sender
from leadline_streams.engines.postgresql.needs import blind_spots, not_needed
from leadline_streams.engines.postgresql.orchestrators import orchestrator_of
from leadline_streams.engines.postgresql.statements import change_setting, show_senders, show_settings
from leadline_streams.engines.postgresql.synchronous import Wanted, confirming
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

SETTING = "synchronous_standby_names"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A primary with fewer synchronous standbys than it requires."""
    for node in context.nodes:
        wanted, sample = Wanted.of(context.setting(node, SETTING) or ""), node.sample
        if not node.writable or sample is None or wanted is None:
            continue
        confirm = confirming(sample.downstreams)
        there = [row.name for row in confirm]
        if len(there) >= wanted.count:
            if any(row.kind == "backup" for row in confirm):
                yield from _kept_waiting(context, node, confirm)
            continue
        missing = wanted.missing(sample.downstreams)
        named = frozenset(map(str.lower, wanted.names))
        others = sorted({row.name for row in sample.downstreams if is_physical_sender(row)} - {*there})
        others = [name for name in others if name.lower() not in named]
        waiters = sample.activity.sync_waiters if sample.activity is not None else 0
        change, changed = context.blame(node, SETTING)
        safe = _waits_for_nobody(context, node, missing) if waiters else []
        yield Claim(
            subject=context.about_node(node),
            confidence=0.96 if waiters else 0.92,
            title=f"{node.name} lacks synchronous standbys",
            summary=f"{node.name} has {len(there)} of the {wanted.count} synchronous standbys that commits need; "
            + (
                f"not connected: {', '.join(missing)}"
                + (f" (connected under another name: {', '.join(others)})" if others else "")
                if missing
                else f"no others are named than {', '.join(wanted.names)}"
            )
            + (f"; commits that wait: {waiters}" if waiters else "")
            + change,
            steps=[
                show_senders(node.name),
                show_settings(node.name, SETTING),
                _bring_back(node, missing, others),
                *(_give_up(node) if safe else []),
            ],
            not_needed=safe,
            evidence_for=[
                *(changed or [fact(SETTING, context.shown(node, SETTING), node.name)]),
                fact("synchronous_now", ", ".join(there) or "none", node.name),
                fact("sync_waiters", waiters, node.name),
            ],
        )


def _kept_waiting(context: DiagnosisContext, node: NodeState, confirm: list[Downstream]) -> Iterator[Claim]:
    """Commits wait for a program that receives WAL for backups and confirms it by the segment."""
    activity = node.sample.activity if node.sample is not None else None
    if activity is None or not activity.sync_waiters:
        return
    name, row = node.name, next(row for row in confirm if row.kind == "backup")
    change, changed = context.blame(node, SETTING)
    yield Claim(
        subject=context.about_node(node),
        confidence=0.95,
        title=f"commits on {name} wait for {row.name}, which keeps backups",
        summary=f"{row.name} counts as a synchronous standby of {name} and receives WAL for backups: without the "
        "option --synchronous it confirms a segment when that is full. Commits that wait: "
        f"{activity.sync_waiters}, the oldest for {duration(activity.sync_wait_s)}{change}",
        steps=[
            show_senders(name),
            show_settings(name, SETTING),
            Step(
                risk="careful",
                node=name,
                text=f"Name the standbys that are to confirm commits in {SETTING}, and not {row.name}: * and a name "
                "that it has too stand for it. Where it is meant to confirm commits, start it with --synchronous",
            ),
        ],
        evidence_for=[
            *(changed or [fact(SETTING, context.shown(node, SETTING), name)]),
            fact("sync_state", row.sync_state, name, f"{row.name}, pid {row.pid}, a receiver of WAL for backups"),
            fact("flush_lsn", row.flush_lsn or "none", name, f"confirmed by {row.name}; sent to it: {row.sent_lsn}"),
            fact("sync_waiters", activity.sync_waiters, name),
        ],
    )


def _bring_back(node: NodeState, missing: list[str], others: list[str]) -> Step:
    """Start the standby, or give it the name that is missing."""
    if not missing or not others:
        return Step(risk="safe", text=f"Bring back {' or '.join(missing) or 'another standby'}")
    named, found = missing[0], " or ".join(others)
    return Step(
        risk="safe",
        text=f"If {found} on {node.name} is the connection of {named}: give it this name, application_name={named} in "
        f"primary_conninfo of that standby or its cluster_name, or write its own name into {SETTING}. Otherwise start "
        f"{named}",
    )


def _waits_for_nobody(context: DiagnosisContext, node: NodeState, missing: list[str]) -> list[Evidence]:
    """That none of the standbys that are waited for was promoted or can be, so that no commit is lost by a failover.

    Each has to be watched. An orchestrator sets the names itself.
    """
    others = [other for other in context.nodes if other.name != node.name]
    if any(orchestrator_of(each) is not None for each in (node, *others)):
        return []
    wanted = frozenset(map(str.lower, missing))
    found = [other for other in others if not wanted.isdisjoint(_names(other))]
    follows = all(other.reach == "gone" if other.down else not other.takes_writes for other in found)
    unseen = blind_spots(context.cluster, ("upstream",), but=[node.name, *(each.name for each in found if each.down)])
    if not wanted or not wanted <= set[str]().union(*map(_names, found)) or not follows or unseen:
        return []
    names = " and ".join(other.name for other in found)
    return [not_needed("the wait for a standby", node.name, f"{names} was seen to be down or to follow: none leads")]


def _names(node: NodeState) -> set[str]:
    """The names that a server may give itself to its primary."""
    receiver = node.sample.upstream if node.sample is not None else None
    cluster_name = node.settings.get("cluster_name")
    own = (node.name, receiver.application_name if receiver else None, cluster_name.value if cluster_name else None)
    return {name.lower() for name in own if name}


def _give_up(node: NodeState) -> list[Step]:
    """Commits on this server alone, for the time being."""
    text = (
        f"If that takes too long, give up waiting: until {SETTING} is set again, a commit is safe on this server only"
    )
    return [Step(risk="careful", node=node.name, text=text), *change_setting(node.name, SETTING, "", "careful")]


CAUSE = CauseRule(
    code="sync_standby_missing",
    find=find,
)
