"""``replay_paused``: replay on a standby is paused, by somebody or by the server itself."""

from leadline.words import size
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact


def measure(context: LinkContext) -> float | None:
    """1 while replay is paused."""
    sample = context.down.sample if context.down is not None else None
    if sample is None or sample.positions is None:
        return None
    return 1.0 if sample.positions.replay_paused else None


def describe(context: LinkContext, value: float) -> Words:
    """Since when, and what waits."""
    link, node = context.link, context.down
    assert node is not None
    assert node.sample is not None
    positions = node.sample.positions
    assert positions is not None
    return Words(
        f"replay on {link.downstream} is paused; it is {size(link.lag_units or 0)} of WAL behind {link.upstream}",
        [
            fact("replay_paused", "true", node.name),
            fact("startup_wait", positions.startup_wait, node.name),
            fact(
                "replayed_lsn", positions.replayed_lsn, node.name, f"unchanged for {context.now - link.moved_at:.0f} s"
            ),
            fact("received_lsn", positions.received_lsn, node.name),
        ],
    )


RULE = Rule(
    name="replay_paused",
    on=LinkContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
