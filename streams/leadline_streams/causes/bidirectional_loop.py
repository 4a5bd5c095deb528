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
    for it in affected_subscriptions(context, FAILING):
        back = returning(context, it)
        kinds = it.risen(*DUPLICATES)
        if back is None or not kinds or not it.fails or it.publisher is None or it.subscription.origin == "none":
            continue
        yield Claim(
            subject=it.about,
            confidence=0.98,
            title=f"{it.node.name} gets its own changes back from {it.publisher.name}",
            summary=f"{it.name} takes changes of any origin from {it.publisher.name}, which subscribes to "
            f"{it.node.name} by {back.name}: rows written on {it.node.name} come back and conflict with themselves "
            f"({', '.join(kinds)})",
            steps=[
                it.alter("safe", "SET (origin = none)"),
                Step(
                    risk="safe",
                    node=it.publisher.name,
                    database=back.database,
                    sql=f"ALTER SUBSCRIPTION {quoted(back.name)} SET (origin = none)",
                ),
                it.read_error,
                Step(
                    risk="destructive", text="Then skip the transaction that came back, with the finish LSN found there"
                ),
                it.alter("destructive", "SKIP (lsn = '<finish LSN>')"),
            ],
            evidence_for=[
                fact("origin", it.subscription.origin or "any", it.node.name, it.subscription.name),
                fact("origin", back.origin or "any", it.publisher.name, back.name),
                *(fact(kind, count, it.node.name, "in 5 min") for kind, count in kinds.items()),
            ],
        )


def returning(context: DiagnosisContext, it: Apply) -> Subscription | None:
    """The publisher's subscription to the subscriber, when there is one."""
    if it.publisher is None or it.publisher.sample is None:
        return None
    links = context.cluster.links.values()
    names = {
        link.name
        for link in links
        if is_logical(link) and (link.upstream, link.downstream) == (it.node.name, it.publisher.name)
    }
    return next((s for s in it.publisher.sample.subscriptions if s.name in names), None)


CAUSE = CauseRule(
    code="bidirectional_loop",
    find=find,
)
