"""``bidirectional_loop``: two servers subscribe to each other and send each other's changes back."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.observation import Subscription
from leadline_streams.engines.postgresql.apply import DUPLICATES, Apply, quoted, troubled
from leadline_streams.engines.postgresql.links import is_logical
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription that meets its own rows because it takes changes of any origin from its own subscriber."""
    for it in troubled(context, FAILING):
        back = returning(context, it)
        kinds = it.risen(*DUPLICATES)
        if back is None or not kinds or not it.fails or it.publisher is None or it.subscription.origin == "none":
            continue
        name = quoted(it.subscription.name)
        yield Claim(
            subject=it.about,
            confidence=0.98,
            title=f"{it.node.name} gets its own changes back from {it.publisher.name}",
            summary=f"{it.name} takes changes of any origin from {it.publisher.name}, which subscribes to "
            f"{it.node.name} by {back.name}: rows written on {it.node.name} come back and meet themselves "
            f"({', '.join(kinds)})",
            fix=f"{it.place} ALTER SUBSCRIPTION {name} SET (origin = none); the same for {quoted(back.name)} on "
            f"{it.publisher.name} (PostgreSQL 16 and later). Then ALTER SUBSCRIPTION {name} SKIP (lsn = "
            "'<finish LSN in the log>');",
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
    names = {k.name for k in links if is_logical(k) and (k.upstream, k.downstream) == (it.node.name, it.publisher.name)}
    return next((s for s in it.publisher.sample.subscriptions if s.name in names), None)


CAUSE = CauseRule(
    code="bidirectional_loop",
    find=find,
)
