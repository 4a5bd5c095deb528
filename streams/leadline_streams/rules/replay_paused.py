"""``replay_paused``: replay on a standby is paused, by a person or by the server itself."""

from leadline.model.replication import Positions
from leadline.words import duration, roughly, size
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact

RATE_SPAN_S = 60.0
SOON_S = 7 * 86_400.0
"""A volume that lasts longer is no matter of this pause."""


def measure(context: LinkContext) -> float | None:
    """1 while replay is paused."""
    positions = _positions(context)
    return 1.0 if positions is not None and positions.replay_paused else None


def _positions(context: LinkContext) -> Positions | None:
    sample = context.down.sample if context.down is not None else None
    return sample.positions if sample is not None else None


def describe(context: LinkContext, value: float) -> Words:
    """The positions between which WAL waits, how long replay has not moved, and when the volume of the WAL is full."""
    link, positions = context.link, _positions(context) or Positions()
    unchanged = f"unchanged for {duration(context.now - link.moved_at)}"
    full_s, free = _full_s(context)
    full = f"; the volume of its WAL is full in {roughly(full_s)}, at the present rate" if full_s is not None else ""
    return Words(
        f"replay on {link.downstream} is paused; it is {size(link.lag_units or 0)} of WAL behind {link.upstream}{full}",
        [
            fact("replay_paused", "true", link.downstream),
            fact("startup_wait", positions.startup_wait, link.downstream),
            fact("replayed_lsn", positions.replayed_lsn, link.downstream, unchanged),
            fact("received_lsn", positions.received_lsn, link.downstream),
            *([fact("free_bytes", free, link.downstream)] if free is not None else []),
        ],
    )


def _full_s(context: LinkContext) -> tuple[float | None, int | None]:
    """Seconds until the WAL that the standby keeps has filled its volume, and the bytes free there, as far as known."""
    free = context.down.disk.free_bytes if context.down is not None and context.down.disk is not None else None
    rate = context.up.clock.rate(RATE_SPAN_S) if context.up is not None else None
    full_s = free / rate if free is not None and rate else None
    return (full_s if full_s is not None and full_s < SOON_S else None), free


RULE = Rule(
    name="replay_paused",
    on=LinkContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
