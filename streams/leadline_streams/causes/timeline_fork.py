"""``timeline_fork``: a standby has log that its upstream's history never had."""

from collections.abc import Iterator

from leadline_streams.engines.postgresql.links import cut_off
from leadline_streams.engines.postgresql.wal import has_forked
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

SETTLED_S = 3.0
"""A standby switches to its upstream's new timeline within a retry or two."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby that stays on an older timeline than its upstream and cannot stream."""
    for it in cut_off(context):
        assert it.up is not None
        assert it.down is not None
        ours, theirs = it.down.node.timeline, it.up.node.timeline
        if ours is None or theirs is None or ours >= theirs or it.down.node.system_id != it.up.node.system_id:
            continue
        sure = has_forked(it)
        if not sure and context.now - (it.link.cut_since or context.now) < SETTLED_S:
            continue
        link = it.link
        yield Claim(
            subject=of_link(link),
            confidence=0.94 if sure else 0.8,
            title=f"{link.downstream} and {link.upstream} have different histories",
            summary=f"{link.downstream} is on timeline {ours} and {link.upstream} on {theirs}: {link.downstream} "
            "has log from before the fork that the new timeline does not have, and cannot follow it",
            fix=f"Save what {link.downstream} alone has, stop it, and run pg_rewind --target-pgdata=... "
            f"--source-server='host={it.up.node.host} port={it.up.node.port}', or rebuild it.",
            evidence_for=[
                fact("timeline", ours, link.downstream),
                fact("timeline", theirs, link.upstream),
                *([fact("received_lsn", "below replayed_lsn", link.downstream)] if sure else []),
            ],
        )


CAUSE = CauseRule(
    code="timeline_fork",
    find=find,
)
