"""``publication_missing``: a publication that a subscription takes changes from is not on its publisher."""

from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Look, Rule, Words, fact
from leadline_streams.judge.verdict import missing_publications, slot_of, subscription_of


def measure(look: Look) -> float | None:
    """How many are missing, as far as the publisher's agent is connected to the database they should be in."""
    return float(len(_missing(look))) or None


def _missing(look: Look) -> list[str]:
    link, up = look.link, look.up
    subscription = subscription_of(link, look.node) if link is not None else None
    if link is None or subscription is None or up is None or not up.answers:
        return []
    return missing_publications(link, up, subscription)


def describe(look: Look, value: float) -> Words:
    """Which, and that from PostgreSQL 18 on nothing else shows it."""
    link, up, missing = look.link, look.up, _missing(look)
    assert link is not None
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
    family="consistency",
    on="link",
    unit="publications",
    help="Publications that a subscription names and its publisher does not have. PostgreSQL 18 skips their changes "
    "without an error. Seen when the publisher's agent is connected to the published database.",
    limits=Limits(critical=1.0, for_s=10.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
