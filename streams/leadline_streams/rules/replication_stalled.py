"""``replication_stalled``: a downstream has changes to apply and makes no progress."""

from leadline.words import duration
from leadline_streams.engines.postgresql.stages import limit_of_queries, waits_for_session
from leadline_streams.engines.postgresql.timing import milliseconds
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact

USUAL_S = 40.0
"""A query may delay replay for max_standby_streaming_delay, 30 s by default: only a longer one is a stall."""


def measure(context: LinkContext) -> float | None:
    """Seconds without progress. While replay is paused, ``replay_paused`` fires instead."""
    link = context.link
    if link.verdict != "replay_stalled":
        return None
    stalled_s = context.now - min(link.moved_at, link.verdict_since)
    return None if stalled_s < _granted_s(context) else stalled_s


def _granted_s(context: LinkContext) -> float:
    """The time for which the standby's own setting lets queries delay replay, while one does; 0 where that is usual."""
    sample = context.down.sample if context.down is not None else None
    if sample is None or sample.positions is None or not waits_for_session(sample.positions):
        return 0.0
    granted_s = milliseconds(context.down, limit_of_queries(sample))
    return granted_s if granted_s > USUAL_S else 0.0


def describe(context: LinkContext, value: float) -> Words:
    """Duration, the amount of WAL that waits, and the wait event of the process that applies it."""
    link = context.link
    facts = [
        fact(
            "position",
            context.engine.format_position(link.position or 0),
            link.downstream,
            f"no progress for {duration(value)}",
        ),
        fact("lag_bytes", link.lag_units, link.downstream),
    ]
    facts += context.engine.apply_waits(link, context.down)
    does = "confirmed" if link.agentless else "applied"
    return Words(f"{link.downstream} has not {does} anything from {link.upstream} for {duration(value)}", facts)


RULE = Rule(
    name="replication_stalled",
    on=LinkContext,
    limits=Limits(warning=1.0, critical=300.0, for_s=USUAL_S, keep_s=10.0),
    measure=measure,
    describe=describe,
)
