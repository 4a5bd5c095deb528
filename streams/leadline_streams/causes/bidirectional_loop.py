"""``bidirectional_loop``: two servers subscribe to each other and send each other's changes back."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.incident import Step
from leadline.model.replication import Subscription
from leadline_streams.engines.postgresql.apply import DUPLICATES, AffectedSubscription, affected_subscriptions, quoted
from leadline_streams.engines.postgresql.both_ways import WayBack, way_back
from leadline_streams.engines.postgresql.links import is_logical
from leadline_streams.engines.postgresql.needs import remote_transaction
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

NAMED = 3
"""Tables that are named."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription that receives its own rows, because it takes changes of any origin from its own subscriber."""
    colliding: set[str] = set()
    for affected in affected_subscriptions(context, FAILING):
        back, publisher = return_subscription(context, affected), affected.publisher
        kinds = affected.risen(*DUPLICATES)
        if back is None or publisher is None or not kinds or not affected.fails:
            continue
        if affected.subscription.origin == "none":
            continue
        name, up = affected.node.name, publisher.name
        colliding.add(affected.about.id)
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

    for affected in affected_subscriptions(context, frozenset({"changes_come_back"})):
        found = way_back(context.cluster, affected.node, affected.subscription)
        if found is not None and found.tables and affected.about.id not in colliding:
            yield _returning(affected, found)


def _returning(affected: AffectedSubscription, found: WayBack) -> Claim:
    """No key collides: a table without one gets its rows again and again, and updates go round."""
    name, up, back = affected.node.name, found.publisher.name, found.back
    tables = ", ".join((found.tables or ())[:NAMED])
    origin = ", suborigin" if affected.subscription.origin is not None else ""
    goes = (
        f"a change of {tables} goes round between the two without end"
        if found.is_endless
        else f"each change of {tables} on {name} comes back to it once"
    )
    return Claim(
        subject=affected.about,
        confidence=0.97,
        title=f"changes go round between {name} and {up}",
        summary=f"{affected.name} takes changes of any origin from {up}, which has those of {name} by {back.name}: "
        f"{goes}",
        steps=[
            affected.step("look", f"SELECT subname, subenabled{origin} FROM pg_subscription"),
            *_filters(affected, found.publisher, back),
            Step(
                risk="careful",
                text=f"Compare {tables} on {name} and {up}: rows without a key were inserted several times, and a "
                "value may be an older one",
            ),
        ],
        evidence_for=[
            fact("origin", affected.subscription.origin or "any", name, affected.subscription.name),
            fact("origin", back.origin or "any", up, back.name),
            fact("tables", tables, name, "in both subscriptions"),
        ],
    )


def _filters(affected: AffectedSubscription, publisher: NodeState, back: Subscription) -> list[Step]:
    """Take only what was made on the other server; before PostgreSQL 16 only one of the two may go on."""
    if affected.subscription.origin is None:
        text = (
            f"Before PostgreSQL 16 changes cannot be taken by origin: {affected.alter('safe', 'DISABLE').sql}, or let "
            "the two subscribe to other tables"
        )
        return [Step(risk="careful", node=affected.node.name, database=affected.subscription.database, text=text)]
    found = [affected.alter("safe", "SET (origin = none)")]
    if back.origin not in (None, "none"):
        sql = f"ALTER SUBSCRIPTION {quoted(back.in_sql)} SET (origin = none)"
        found.append(Step(risk="safe", node=publisher.name, database=back.database, sql=sql))
    return found


def _steps(affected: AffectedSubscription, publisher: NodeState, back: Subscription) -> list[Step]:
    """Stop the loop in both directions, then skip the transaction that came back."""
    returned = "Skip the transaction that came back, with the finish LSN from the server log"
    return [
        *affected.read_error,
        *_filters(affected, publisher, back),
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
