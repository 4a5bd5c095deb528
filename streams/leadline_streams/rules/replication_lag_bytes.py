"""``replication_lag_bytes``: a downstream is further behind the primary at its root than allowed, in bytes."""

from leadline.words import size
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact

SOON_S = 900.0
"""A link that will have caught up within this time, at its present rate, does not breach."""


def measure(context: LinkContext) -> float | None:
    """Bytes behind, unless the link is delayed by its configuration or will soon have caught up."""
    link = context.link
    if not link.lag_units or link.verdict == "delayed_by_design":
        return None
    closing = -(link.growth_units or 0.0)
    return None if closing * SOON_S > link.lag_units else float(link.lag_units)


def describe(context: LinkContext, value: float) -> Words:
    """Bytes, trend, and the part of the last hop of a cascade."""
    link = context.link
    trend = link.growth_units or 0.0
    return Words(
        f"{link.downstream} is {size(value)} behind {link.upstream} and will not have caught up soon",
        [
            fact("lag_bytes", link.lag_units, link.downstream),
            fact("hop_bytes", link.hop_units, link.downstream, f"behind its own upstream {link.upstream}"),
            fact("growth_bytes_per_s", trend, link.downstream),
            fact("lag_s", link.lag_s, link.downstream),
            fact("verdict", link.verdict),
        ],
    )


RULE = Rule(
    name="replication_lag_bytes",
    on=LinkContext,
    limits=Limits(warning=1e9, critical=10e9, for_s=60.0, keep_s=60.0),
    measure=measure,
    describe=describe,
)
