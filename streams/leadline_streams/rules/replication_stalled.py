"""``replication_stalled``: a downstream has changes to apply and makes no progress."""

from leadline.words import duration
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact


def measure(context: LinkContext) -> float | None:
    """Seconds without progress. While replay is paused, ``replay_paused`` fires instead."""
    link = context.link
    if link.verdict != "replay_stalled":
        return None
    return context.now - min(link.moved_at, link.verdict_since)


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
    return Words(f"{link.downstream} has not applied anything from {link.upstream} for {duration(value)}", facts)


RULE = Rule(
    name="replication_stalled",
    on=LinkContext,
    # A query on the standby may delay replay for max_standby_streaming_delay, 30 s by default: that is not a stall.
    limits=Limits(warning=1.0, critical=300.0, for_s=40.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)
