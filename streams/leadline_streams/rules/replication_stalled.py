"""``replication_stalled``: a downstream has log to apply and does not get on."""

from leadline.model.lsn import format_lsn
from leadline.words import duration
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Look, Rule, Words, fact


def measure(look: Look) -> float | None:
    """Seconds without progress. A pause is somebody's wish and ``replay_paused`` speaks of it."""
    link = look.link
    if link is None or link.verdict != "replay_stalled":
        return None
    return look.now - min(link.moved_at, link.verdict_since)


def describe(look: Look, value: float) -> Words:
    """Since when, how much waits, and what the process that applies it waits for."""
    link = look.link
    assert link is not None
    facts = [
        fact("position", format_lsn(link.position or 0), link.downstream, f"no progress for {duration(value)}"),
        fact("lag_bytes", link.lag_bytes, link.downstream),
    ]
    sample = look.node.sample if look.node is not None else None
    if sample is not None and sample.positions is not None and link.kind == "physical":
        facts.append(fact("startup_wait", sample.positions.startup_wait or "none: it is busy", link.downstream))
    for subscription in sample.subscriptions if sample is not None else []:
        if link.kind == "logical" and subscription.name == link.name:
            facts.append(fact("apply_wait", subscription.wait or "none: it is busy", link.downstream))
            facts.extend(fact("blocked_by", f"pid {pid}", link.downstream) for pid in subscription.blocked_by)
    return Words(f"{link.downstream} has not applied anything from {link.upstream} for {duration(value)}", facts)


RULE = Rule(
    name="replication_stalled",
    family="lag",
    on="link",
    unit="s",
    help="Connected, with log to apply, and no progress for this long.",
    # A query on the standby may hold up replay for max_standby_streaming_delay, 30 s by default: that is not a stall.
    limits=Limits(warning=1.0, critical=300.0, for_s=40.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)
