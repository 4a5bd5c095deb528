"""``timeline_fork``: a standby has log that its upstream's history never had."""

from collections.abc import Iterator

from leadline.model.lsn import parse_lsn
from leadline.model.observation import Positions
from leadline_streams.judge.cause import CUT, Case, CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

SETTLED_S = 3.0
"""A standby switches to its upstream's new timeline within a retry or two."""


def find(case: Case) -> Iterator[Claim]:
    """A standby that stays on an older timeline than its upstream and cannot stream."""
    for it in case.physical:
        if it.sample is None or it.up is None or it.down is None or not it.up.answers:
            continue
        ours, theirs = it.down.node.timeline, it.up.node.timeline
        if ours is None or theirs is None or ours >= theirs or case.now - it.link.moved_at < SETTLED_S:
            continue
        if it.down.node.system_id != it.up.node.system_id:
            continue
        beyond = _beyond(it.sample.positions)
        link = it.link
        yield Claim(
            subject=of_link(link),
            confidence=0.94 if beyond else 0.8,
            title=f"{link.downstream} and {link.upstream} have different histories",
            summary=f"{link.downstream} is on timeline {ours} and {link.upstream} on {theirs}: {link.downstream} "
            "has log from before the fork that the new timeline does not have, and cannot follow it",
            fix=f"Save what {link.downstream} alone has, stop it, and run pg_rewind --target-pgdata=... "
            f"--source-server='host={it.up.node.host} port={it.up.node.port}', or rebuild it.",
            evidence_for=[
                fact("timeline", ours, link.downstream),
                fact("timeline", theirs, link.upstream),
                *([fact("received_lsn", beyond, link.downstream, "below what it has replayed")] if beyond else []),
            ],
        )


def _beyond(positions: Positions | None) -> str | None:
    """The received position when it stays below the replayed one: streaming starts over and never gets there."""
    if positions is None or positions.received_lsn is None or positions.replayed_lsn is None:
        return None
    return positions.received_lsn if parse_lsn(positions.received_lsn) < parse_lsn(positions.replayed_lsn) else None


CAUSE = CauseRule(
    code="timeline_fork",
    help="a standby stays on an older timeline than its upstream, and what it received ends below what it replayed",
    explains=CUT,
    find=find,
)
