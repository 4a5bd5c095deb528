"""``primary_replaced``: a primary went down and another server took its place."""

from collections.abc import Iterator

from leadline.clock import moment
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.engines.postgresql.statements import see_role, show_receiver, show_senders
from leadline_streams.engines.postgresql.unread import successor_of
from leadline_streams.engines.postgresql.wal import kept_timeline
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

UNREACHED = ("gone", "hangs", "unseen")
"""States of a server that gave no answer at all."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that is down, was the primary or is still followed, and has a successor on a later timeline.

    Of a server that has not answered since looking began, its successor may be the only one that shows its role.
    """
    for old in context.nodes:
        if not old.down or old.reach not in UNREACHED:
            continue
        followed = successor_of(context.cluster, old)
        links = [link for link in context.cluster.below(old.name) if is_streaming(link)]
        new = _successor(context, old, links) if old.node.role == "primary" or links else None
        if new is not None:
            yield _claim(context, old, new, [link for link in links if _points_at_it(context, link)])
        elif followed is not None:
            yield _unread(context, old, followed)


def _successor(context: DiagnosisContext, old: NodeState, links: list[LinkState]) -> NodeState | None:
    """The only server that takes writes with the same data, on a later timeline as far as both are known."""
    system = old.node.system_id
    if system is None:
        downs = (context.cluster.nodes.get(link.downstream) for link in links)
        system = next((down.node.system_id for down in downs if down is not None), None)
    found = [
        node
        for node in context.nodes
        if node.writable and node.same_as is None and system is not None and node.node.system_id == system
    ]
    if len(found) != 1:
        return None
    later, earlier = found[0].node.timeline, old.node.timeline
    if later is None or earlier is None:
        return found[0] if old.node.role != "standby" else None
    return found[0] if later > earlier else None


def _points_at_it(context: DiagnosisContext, link: LinkState) -> bool:
    down = context.cluster.nodes.get(link.downstream)
    return down is not None and down.answers


def _claim(context: DiagnosisContext, old: NodeState, new: NodeState, left: list[LinkState]) -> Claim:
    names = ", ".join(link.downstream for link in left)
    at = f" at {moment(new.promoted_at):%H:%M:%S} UTC" if new.promoted_at is not None else ""
    still = f"; {names} still {'follows' if len(left) == 1 else 'follow'} {old.name}" if left else ""
    return Claim(
        subject=context.about_node(old),
        confidence=0.99,
        title=f"{new.name} replaced {old.name}",
        summary=f"{old.name} went down and {new.name} replaced it{at} as the primary, timeline {new.node.timeline}"
        f"{still}; {old.name} must not come back as it is: it would take writes beside {new.name}",
        steps=[
            show_senders(new.name),
            *(show_receiver(link.downstream) for link in left),
            *(_follow(context, link, new) for link in left),
            Step(
                risk="careful",
                text=f"Before {old.name} is started again: save what it has that {new.name} never received, and make "
                f"it a standby of {new.name}",
            ),
        ],
        evidence_for=[
            fact("up", "false", old.name, old.error),
            fact("role", "primary", new.name, f"timeline {new.node.timeline}{', promoted' + at if at else ''}"),
            *(fact("upstream", old.name, link.downstream, "not connected") for link in left if not link.connected),
        ],
    )


def _follow(context: DiagnosisContext, link: LinkState, new: NodeState) -> Step:
    name, down = link.downstream, context.cluster.nodes.get(link.downstream)
    kept = kept_timeline(new, down) if down is not None else None
    do = f"Set primary_conninfo of {name} to {new.name} and reload its settings"
    if kept is not None:
        do = (
            f"Set primary_conninfo of {name} to {new.name} and its recovery_target_timeline to 'latest', and restart "
            f"it: with {kept!r}, {name} would not follow {new.name} to timeline {new.node.timeline}"
        )
    return Step(risk="careful", text=f"{do}; do so only if nothing that manages these servers does it itself")


def _unread(context: DiagnosisContext, old: NodeState, new: NodeState) -> Claim:
    """It may have been made a standby of its successor since: started as one, it does no harm."""
    timeline = f"timeline {new.node.timeline}"
    return Claim(
        subject=context.about_node(old),
        # A promotion that was seen leaves no doubt; one from before may be of another chain of copies.
        confidence=0.97 if new.promoted_at is not None else 0.85,
        title=f"{old.name} is down, and {new.name}, which followed it, is the primary",
        summary=f"{old.name} has not answered since looking began: {old.error or 'no reason known'}; {new.name}, which "
        f"followed it, was promoted and takes writes on {timeline}; {old.name} must not come back as it was: it would "
        f"take writes beside {new.name}",
        steps=[
            show_senders(new.name),
            see_role(old.name, new.name),
            Step(
                risk="careful",
                text=f"Before {old.name} is started again: make it a standby of {new.name}, by pg_rewind if it has WAL "
                f"that {new.name} never received",
            ),
        ],
        evidence_for=[
            fact("up", "false", old.name, old.error),
            fact("role", "primary", new.name, timeline),
            fact("primary_conninfo", old.name, new.name, "left from before its promotion"),
        ],
        not_seen=[
            fact("role", "not seen", old.name, "its answer shows it: it may have been made a standby since"),
        ],
    )


CAUSE = CauseRule(
    code="primary_replaced",
    find=find,
)
