"""``replay_paused``: replay on a standby is paused, by a person or by the server itself."""

from leadline.model.observation import Positions
from leadline.words import duration, size
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact


def measure(context: LinkContext) -> float | None:
    """1 while replay is paused."""
    positions = _positions(context)
    return 1.0 if positions is not None and positions.replay_paused else None


def _positions(context: LinkContext) -> Positions | None:
    sample = context.down.sample if context.down is not None else None
    return sample.positions if sample is not None else None


def describe(context: LinkContext, value: float) -> Words:
    """The positions between which WAL waits, and how long replay has not moved."""
    link, positions = context.link, _positions(context) or Positions()
    unchanged = f"unchanged for {duration(context.now - link.moved_at)}"
    return Words(
        f"replay on {link.downstream} is paused; it is {size(link.lag_units or 0)} of WAL behind {link.upstream}",
        [
            fact("replay_paused", "true", link.downstream),
            fact("startup_wait", positions.startup_wait, link.downstream),
            fact("replayed_lsn", positions.replayed_lsn, link.downstream, unchanged),
            fact("received_lsn", positions.received_lsn, link.downstream),
        ],
    )


RULE = Rule(
    name="replay_paused",
    on=LinkContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
