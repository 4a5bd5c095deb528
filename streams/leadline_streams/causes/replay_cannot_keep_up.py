"""``replay_cannot_keep_up``: the standby receives promptly, and replay is busy and too slow."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import size
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.silence import PAGE_SLACK_BYTES
from leadline_streams.engines.postgresql.statements import show_replay
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.link_progress import outstanding
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link
from leadline_streams.judge.verdict import STALLED_S

RATE_SPAN_S = 30.0


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby with received WAL to apply, whose replay moves and waits for nothing but the disk."""
    for affected in streaming(context):
        link = affected.link
        busy = affected.wait == "" or affected.wait.startswith("IO/")
        moves = context.now - link.moved_at < STALLED_S
        if (
            affected.sample is None
            or not link.connected
            or not outstanding(link, PAGE_SLACK_BYTES)
            or not busy
            or not moves
        ):
            continue
        waiting = (link.received or 0) - (link.position or 0)
        rate = affected.clock.rate(RATE_SPAN_S) or 0.0
        yield Claim(
            subject=of_link(link),
            # Most of what is missing has been received: it is replay that is slow, nothing before it.
            confidence=0.8 if waiting > 0.8 * (link.hop_units or 0) else 0.5,
            title=f"replay on {link.downstream} cannot keep up",
            summary=f"{link.downstream} has received {size(waiting)} that it has not replayed; replay works without "
            f"a pause, and {link.upstream} writes {size(rate)} a second",
            steps=[
                show_replay(link.downstream),
                Step(
                    risk="careful",
                    text=f"Slow down the bulk work on the primary, or give {link.downstream} a faster processor or "
                    "disk; on PostgreSQL 15 and later keep recovery_prefetch = try",
                ),
            ],
            evidence_for=[
                fact("received_not_replayed_bytes", waiting, link.downstream),
                fact("startup_wait", affected.wait or "none: busy", link.downstream),
                fact("wal_bytes_per_s", rate, link.upstream),
            ],
        )


CAUSE = CauseRule(
    code="replay_cannot_keep_up",
    find=find,
)
