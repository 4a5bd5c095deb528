"""``publication_missing``: a publication that a subscription takes changes from does not exist on its publisher."""

from leadline_streams.engines.postgresql.links import slot_of, subscription_of
from leadline_streams.engines.postgresql.subscriptions import missing_publications
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact


def measure(context: LinkContext) -> float | None:
    """Number of missing publications, seen where the publisher's agent is connected to their database."""
    return float(len(_missing(context))) or None


def _missing(context: LinkContext) -> list[str]:
    link, up = context.link, context.up
    subscription = subscription_of(link, context.down)
    if subscription is None or up is None or not up.answers:
        return []
    return missing_publications(link, up, subscription)


def describe(context: LinkContext, value: float) -> Words:
    """The publications, and the effect, which depends on the publisher's version."""
    link, up, missing = context.link, context.up, _missing(context)
    names = ", ".join(missing) or f"{value:.0f} publications"
    version = up.node.version_num if up is not None else 0
    effect = "changes are skipped without an error" if version >= 180000 else "apply fails"
    slot = slot_of(link, up)
    return Words(
        f"{names} of subscription {link.name} on {link.downstream} is not on {link.upstream}: {effect}",
        [
            fact(
                "publications", names, link.upstream, f"not in database {slot.database}" if slot is not None else None
            ),
            fact("subscription", link.name, link.downstream),
            fact("verdict", link.verdict),
        ],
    )


RULE = Rule(
    name="publication_missing",
    on=LinkContext,
    limits=Limits(critical=1.0, for_s=10.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
