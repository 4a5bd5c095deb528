"""``publication_not_refreshed``: the tables of a publication changed, and those of a subscription did not."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions
from leadline_streams.engines.postgresql.subscribed_tables import not_published, not_subscribed
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.rules.table_not_subscribed import NAMED, listed


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription without tables of its publications, or with tables that these do not have any more."""
    for affected in affected_subscriptions(context, frozenset({"table_not_subscribed"})):
        up, link, own = affected.publisher, affected.link, affected.subscription
        if up is None or link is None:
            continue
        lacks, left = (each(up, link, affected.node, own) for each in (not_subscribed, not_published))
        if lacks:
            yield _lacks(affected, lacks)
        elif left:
            yield _left(affected, left)


def _lacks(affected: AffectedSubscription, names: tuple[str, ...]) -> Claim:
    assert affected.publisher is not None
    return Claim(
        subject=affected.about,
        confidence=0.95,
        title=f"{affected.name} does not have every published table",
        summary=f"{affected.publisher.name} publishes {listed(names)}, and {affected.name} has not taken "
        f"{'them' if len(names) > 1 else 'it'} over: changes there are sent and ignored, without an error, until the "
        "subscription is refreshed",
        steps=[
            _show(affected),
            Step(
                risk="look",
                node=affected.node.name,
                database=affected.subscription.database,
                text="Check that the tables exist there and are empty: the refresh copies what the publisher has, "
                "beside the rows that are there. Where they have the rows already, as after an upgrade, leave the copy "
                "out (WITH (copy_data = false)), and compare the tables afterwards",
            ),
            affected.alter("careful", "REFRESH PUBLICATION"),
        ],
        evidence_for=[fact("table", name, affected.publisher.name, "published") for name in names[:NAMED]],
    )


def _left(affected: AffectedSubscription, names: tuple[str, ...]) -> Claim:
    assert affected.publisher is not None
    up, publications = affected.publisher, ", ".join(affected.subscription.publications)
    return Claim(
        subject=affected.about,
        confidence=0.9,
        title=f"{up.name} does not publish every table of {affected.name}",
        summary=f"{listed(names)} of {affected.name} {'are' if len(names) > 1 else 'is'} in none of its publications "
        f"({publications}) on {up.name} any more: changes there are not sent, without an error",
        steps=[
            _show(affected),
            Step(
                risk="careful",
                node=up.name,
                database=affected.slot.database if affected.slot is not None else None,
                text=f"If that was not meant: ALTER PUBLICATION ... ADD TABLE {listed(names)}; what changed meanwhile "
                "is not sent again, so compare the tables or copy them again",
            ),
        ],
        evidence_for=[fact("table", name, affected.node.name, "subscribed to") for name in names[:NAMED]],
    )


def _show(affected: AffectedSubscription) -> Step:
    return affected.step(
        "look", "SELECT srrelid::regclass, srsubstate FROM pg_subscription_rel ORDER BY srrelid::regclass::text"
    )


CAUSE = CauseRule(
    code="publication_not_refreshed",
    find=find,
)
