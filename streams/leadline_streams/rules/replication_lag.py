"""``replication_lag``: a downstream is further behind than allowed, in seconds.

Seconds are those of the clock of the primary at the root of its chain.
"""

from leadline.words import duration
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact


def measure(context: LinkContext) -> float | None:
    """Seconds behind, less the configured apply delay, which is intended.

    Of what the primary wrote before its first sample, only the time since then is certain.
    """
    link = context.link
    if not link.lag_s:
        return None
    if link.verdict == "delayed_by_design":
        return None  # by a setting, or by the archive, which gets a segment when it is full
    if link.agentless and link.verdict == "healthy":
        return None  # a program that confirms periodically
    if link.kind == "backup" and not link.connected:
        return None  # it has ended with its backup
    return link.lag_s - configured_delay(context)


def configured_delay(context: LinkContext) -> float:
    """The downstream's ``recovery_min_apply_delay`` in seconds."""
    sample = context.down.sample if context.down is not None else None
    return sample.positions.apply_delay_s if sample is not None and sample.positions is not None else 0.0


def describe(context: LinkContext, value: float) -> Words:
    """Seconds, bytes and direction."""
    link = context.link
    trend = link.growth_s or 0.0
    direction = (
        "and catching up" if trend < -0.05 else "and falling further behind" if trend > 0.05 else "and not closing"
    )
    least = "at least " if link.lag_is_bound else ""
    return Words(
        f"{link.downstream} is {least}{duration(value)} behind {link.upstream} {direction}",
        [
            fact("lag_s", value, link.downstream),
            fact("lag_bytes", link.lag_units, link.downstream),
            fact("growth_s_per_s", trend, link.downstream),
            fact("verdict", link.verdict),
        ],
    )


RULE = Rule(
    name="replication_lag",
    on=LinkContext,
    limits=Limits(warning=30.0, critical=300.0, for_s=30.0, keep_s=30.0),
    measure=measure,
    describe=describe,
)
