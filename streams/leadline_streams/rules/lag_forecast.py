"""``lag_forecast``: at the present trend a downstream will soon miss its recovery-point objective.

The objective is the critical limit of ``replication_lag`` for the same link: the limit of lag is also the limit of data
that may be lost.
"""

from leadline.words import duration, roughly
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact
from leadline_streams.rules import replay_paused, replication_lag

REAL_S = 5.0
"""Lag below this is noise of sampling and of bursts; no trend is computed from it."""


def measure(context: LinkContext) -> float | None:
    """Seconds until lag reaches the objective; 0 when it has passed the objective and still grows."""
    link = context.link
    if not link.lag_s or link.lag_s <= REAL_S or replay_paused.measure(context) is not None:
        return None  # a pause lasts until somebody ends it, which no trend shows
    growth, lag_s = link.growth_s, replication_lag.measure(context)
    if growth is None or growth <= 0.0 or lag_s is None or lag_s <= REAL_S:
        return None
    limit_s = objective(context)
    return max(0.0, limit_s - lag_s) / growth if limit_s is not None else None


def objective(context: LinkContext) -> float | None:
    """The lag that must not be reached, in seconds; None when none is set."""
    return context.limits(replication_lag.RULE).critical


def describe(context: LinkContext, value: float) -> Words:
    """The time that is left, and the numbers from which it is computed."""
    link = context.link
    limit_s = objective(context) or 0.0
    return Words(
        f"{link.downstream} will be {duration(limit_s)} behind {link.upstream} in {roughly(value)}, "
        "at the present trend",
        [
            fact("lag_s", link.lag_s, link.downstream),
            fact("growth_s_per_s", link.growth_s, link.downstream, "over the last 5 to 10 s"),
            fact("objective_s", limit_s, None, "the critical limit of replication_lag"),
            fact("verdict", link.verdict),
        ],
    )


RULE = Rule(
    name="lag_forecast",
    on=LinkContext,
    limits=Limits(warning=600.0, for_s=40.0, keep_s=30.0, low_is_bad=True),
    measure=measure,
    describe=describe,
)
