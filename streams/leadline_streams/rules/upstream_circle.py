"""``upstream_circle``: standbys follow each other, or one follows itself, so that no primary's changes reach them."""

from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact


def measure(context: LinkContext) -> float | None:
    """Number of standbys in the circle that a link belongs to."""
    return float(len(context.link.circle)) or None


def describe(context: LinkContext, value: float) -> Words:
    """The standbys in the order in which each follows the next."""
    link = context.link
    names = link.circle or (link.downstream,)
    return Words(
        f"{link.downstream} follows {link.upstream}, which gets nothing from a primary: {in_words(names)}",
        [fact("upstream", above, name) for name, above in zip(names, (*names[1:], names[0]), strict=True)],
    )


def in_words(circle: tuple[str, ...]) -> str:
    """A circle in words."""
    if len(circle) == 1:
        return f"{circle[0]} follows itself"
    return f"{' follows '.join(circle)} follows {circle[0]}"


RULE = Rule(
    name="upstream_circle",
    on=LinkContext,
    limits=Limits(critical=1.0, for_s=10.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
