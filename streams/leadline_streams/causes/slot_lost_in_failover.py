"""``slot_lost_in_failover``: a publisher was replaced by a server that does not have the slot of a subscription."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions, quoted
from leadline_streams.engines.postgresql.decoding import cannot_decode, decode
from leadline_streams.engines.postgresql.unserved import Successor, successor_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.rule import fact

RULES = frozenset({"subscription_without_worker", "replication_cut_off"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An enabled subscription that receives nothing, and a promoted server without its slot."""
    for affected in affected_subscriptions(context, RULES):
        own = affected.subscription
        if own.name not in affected.node.idle_subscriptions or own.slot is None:
            continue
        found = successor_of(context.cluster, affected.node, own, affected.link)
        if found is not None and found.was_promoted:
            yield _claim(context, affected, found)


def _claim(context: DiagnosisContext, affected: AffectedSubscription, found: Successor) -> Claim:
    own, up, old = affected.subscription, found.node.name, found.replaced
    since = found.node.writable_since if old is not None else None
    when = f" {duration(context.now - since)} ago" if since is not None else ""
    instead = f"{up} took over from {old.name}{when}" if old is not None else f"{up} was promoted"
    return Claim(
        subject=affected.about,
        # Before the first sample the promotion may have had nothing to do with it.
        confidence=0.96 if old is not None else 0.86,
        title=f"{up} took over without the slot of {affected.name}",
        summary=f"{instead} without slot {own.slot}, which {affected.name} needs: a standby does not have its "
        "primary's logical slots. Nothing is applied, and changes that it has committed since are not retained for the "
        f"subscription{cannot_decode(context, found.node)}",
        steps=_steps(affected, found, decode(context, found.node)),
        evidence_for=[
            fact("slot", f"{own.slot} does not exist", up, "it takes writes"),
            fact("timeline", found.node.node.timeline, up, instead),
            fact("worker", own.pid or "none", affected.node.name, "enabled, receives nothing"),
            *([fact("publisher", old.name, None, f"{old.node.role}, replaced")] if old is not None else []),
        ],
        not_seen=[]
        if old is not None
        else [fact("failover", "not seen", up, "it was before the first sample; the publications have these names")],
    )


def _steps(affected: AffectedSubscription, found: Successor, before: list[Step]) -> list[Step]:
    """A new slot on the server that took over. It begins now, so what was committed before has to be compared."""
    up, slot = found.node.name, affected.subscription.slot or ""
    database = found.node.sample.database if found.node.sample is not None else None
    list_slots = "SELECT slot_name, slot_type, database, active, restart_lsn FROM pg_replication_slots"
    create = f"SELECT pg_create_logical_replication_slot({literal(slot)}, 'pgoutput')"
    address = f"ALTER SUBSCRIPTION {quoted(affected.subscription.in_sql)} CONNECTION 'host=... dbname=... user=...'"
    return [
        Step(risk="look", node=up, sql=list_slots),
        affected.show,
        Step(risk="look", node=affected.node.name, text="Read the last ERROR of the worker in the server log"),
        affected.alter("safe", "DISABLE"),
        *before,
        Step(risk="careful", node=up, database=database, sql=create),
        Step(
            risk="careful",
            node=affected.node.name,
            database=affected.subscription.database,
            text=f"If it still connects to another server, change that: {address}",
        ),
        affected.alter("safe", "ENABLE"),
        Step(
            risk="careful",
            text=f"Compare the tables with those of {up} and repair the rows that differ: a new slot begins with the "
            "changes after its creation",
        ),
    ]


CAUSE = CauseRule(
    code="slot_lost_in_failover",
    find=find,
)
