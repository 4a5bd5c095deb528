"""``bidirectional_loop``: two servers subscribe to each other and send each other's changes back."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.incident import Step
from leadline.model.observation import Subscription
from leadline_streams.engines.postgresql.apply import DUPLICATES, AffectedSubscription, affected_subscriptions, quoted
from leadline_streams.engines.postgresql.links import is_logical
from leadline_streams.engines.postgresql.needs import remote_transaction
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription that receives its own rows, because it takes changes of any origin from its own subscriber."""
    for affected in affected_subscriptions(context, FAILING):
        back, publisher = return_subscription(context, affected), affected.publisher
        kinds = affected.risen(*DUPLICATES)
        if back is None or publisher is None or not kinds or not affected.fails:
            continue
        if affected.subscription.origin == "none":
            continue
        name, up = affected.node.name, publisher.name
        yield Claim(
            subject=affected.about,
            confidence=0.98,
            title=f"{name} gets its own changes back from {up}",
            summary=f"{affected.name} takes changes of any origin from {up}, which subscribes to {name} by "
            f"{back.name}: rows written on {name} come back and conflict with themselves ({', '.join(kinds)})",
            steps=_steps(affected, publisher, back),
            not_needed=remote_transaction(affected),
            evidence_for=[
                fact("origin", affected.subscription.origin or "any", name, affected.subscription.name),
                fact("origin", back.origin or "any", up, back.name),
                *(fact(kind, count, name, "in 5 min") for kind, count in kinds.items()),
            ],
        )


def _steps(affected: AffectedSubscription, publisher: NodeState, back: Subscription) -> list[Step]:
    """Stop the loop in both directions, then skip the transaction that came back."""
    filter_back = f"ALTER SUBSCRIPTION {quoted(back.in_sql)} SET (origin = none)"
    returned = "Skip the transaction that came back, with the finish LSN from the server log"
    return [
        *affected.read_error,
        affected.alter("safe", "SET (origin = none)"),
        Step(risk="safe", node=publisher.name, database=back.database, sql=filter_back),
        Step(risk="destructive", node=affected.node.name, text=returned),
        affected.skip,
    ]


def return_subscription(context: DiagnosisContext, affected: AffectedSubscription) -> Subscription | None:
    """The publisher's subscription to the subscriber; None when there is none."""
    if affected.publisher is None or affected.publisher.sample is None:
        return None
    links = context.cluster.below(affected.node.name)
    names = {link.name for link in links if is_logical(link) and link.downstream == affected.publisher.name}
    return next((each for each in affected.publisher.sample.subscriptions if each.name in names), None)


CAUSE = CauseRule(
    code="bidirectional_loop",
    find=find,
)
