"""``bidirectional_loop``: two servers subscribe to each other and send each other's changes back."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.incident import Step
from leadline.model.observation import Subscription
from leadline_streams.engines.postgresql.apply import DUPLICATES, Apply, affected_subscriptions, quoted
from leadline_streams.engines.postgresql.links import is_logical
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription that receives its own rows, because it takes changes of any origin from its own subscriber."""
    for subscriber in affected_subscriptions(context, FAILING):
        back = returning(context, subscriber)
        kinds = subscriber.risen(*DUPLICATES)
        if (
            back is None
            or not kinds
            or not subscriber.fails
            or subscriber.publisher is None
            or subscriber.subscription.origin == "none"
        ):
            continue
        yield Claim(
            subject=subscriber.about,
            confidence=0.98,
            title=f"{subscriber.node.name} gets its own changes back from {subscriber.publisher.name}",
            summary=f"{subscriber.name} takes changes of any origin from {subscriber.publisher.name}, which "
            f"subscribes to "
            f"{subscriber.node.name} by {back.name}: rows written on {subscriber.node.name} come back and conflict "
            f"with themselves "
            f"({', '.join(kinds)})",
            steps=[
                subscriber.alter("safe", "SET (origin = none)"),
                Step(
                    risk="safe",
                    node=subscriber.publisher.name,
                    database=back.database,
                    sql=f"ALTER SUBSCRIPTION {quoted(back.name)} SET (origin = none)",
                ),
                subscriber.read_error,
                Step(
                    risk="destructive", text="Then skip the transaction that came back, with the finish LSN found there"
                ),
                subscriber.alter("destructive", "SKIP (lsn = '<finish LSN>')"),
            ],
            evidence_for=[
                fact(
                    "origin",
                    subscriber.subscription.origin or "any",
                    subscriber.node.name,
                    subscriber.subscription.name,
                ),
                fact("origin", back.origin or "any", subscriber.publisher.name, back.name),
                *(fact(kind, count, subscriber.node.name, "in 5 min") for kind, count in kinds.items()),
            ],
        )


def returning(context: DiagnosisContext, subscriber: Apply) -> Subscription | None:
    """The publisher's subscription to the subscriber, when there is one."""
    if subscriber.publisher is None or subscriber.publisher.sample is None:
        return None
    links = context.cluster.links.values()
    names = {
        link.name
        for link in links
        if is_logical(link) and (link.upstream, link.downstream) == (subscriber.node.name, subscriber.publisher.name)
    }
    return next((s for s in subscriber.publisher.sample.subscriptions if s.name in names), None)


CAUSE = CauseRule(
    code="bidirectional_loop",
    find=find,
)
