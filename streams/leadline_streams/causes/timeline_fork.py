"""``timeline_fork``: a standby has WAL that its upstream's history never had."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.causes.too_many_wal_senders import has_no_sender_left
from leadline_streams.engines.postgresql.links import cut_off
from leadline_streams.engines.postgresql.needs import fork_of_standby
from leadline_streams.engines.postgresql.statements import show_server
from leadline_streams.engines.postgresql.wal import has_forked, kept_timeline
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

SETTLED_S = 3.0
"""A standby switches to its upstream's new timeline within a retry or two."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby that stays on an older timeline than its upstream and cannot stream."""
    for affected in cut_off(context):
        assert affected.up is not None
        assert affected.down is not None
        ours, theirs = affected.down.node.timeline, affected.up.node.timeline
        if (
            ours is None
            or theirs is None
            or ours >= theirs
            or affected.down.node.system_id != affected.up.node.system_id
        ):
            continue
        sure = has_forked(affected)
        if not sure and kept_timeline(affected.up, affected.down) is not None:
            continue  # it does not try to follow
        if not sure and has_no_sender_left(context, affected) is not None:
            continue  # it does not get as far as to be asked for a timeline
        if not sure and context.now - (affected.link.cut_since or context.now) < SETTLED_S:
            continue
        link, needless = affected.link, fork_of_standby(context, affected) if sure else []
        yield Claim(
            subject=of_link(link),
            confidence=0.94 if sure else 0.8,
            title=f"{link.downstream} and {link.upstream} have different histories",
            summary=f"{link.downstream} is on timeline {ours} and {link.upstream} on {theirs}: {link.downstream} "
            "has WAL from before the fork that the new timeline does not have, and cannot follow it",
            steps=[
                Step(risk="look", node=link.downstream, sql="SELECT timeline_id FROM pg_control_checkpoint()"),
                show_server(link.downstream),
                Step(
                    risk="look",
                    text=f"Find out what only {link.downstream} has, and save it: until then leave its data directory "
                    "as it is",
                ),
                *([_rewind(affected, affected.up)] if needless else []),
            ],
            not_needed=needless,
            evidence_for=[
                fact("timeline", ours, link.downstream),
                fact("timeline", theirs, link.upstream),
                *([fact("received_lsn", "below replayed_lsn", link.downstream)] if sure else []),
            ],
        )


def _rewind(affected: AffectedLink, up: NodeState) -> Step:
    server = f"--source-server='host={up.node.host} port={up.node.port}'"
    name = affected.link.downstream
    text = f"Then stop {name} and run pg_rewind --target-pgdata=... {server}, or rebuild it from {up.name}"
    return Step(risk="destructive", node=name, text=text)


CAUSE = CauseRule(
    code="timeline_fork",
    find=find,
)
