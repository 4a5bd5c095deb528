"""``publication_or_slot_dropped``: a subscription's publication or slot no longer exists on its publisher."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline_streams.causes.apply_workers_exhausted import reached_limits
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions, quoted
from leadline_streams.engines.postgresql.decoding import cannot_decode, decode
from leadline_streams.engines.postgresql.needs import not_needed
from leadline_streams.engines.postgresql.statements import show_slot
from leadline_streams.engines.postgresql.subscriptions import missing_publications
from leadline_streams.engines.postgresql.unserved import successor_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

RULES = FAILING | {"publication_missing"}
NOT_WATCHED = frozenset({"subscription_without_worker"})
LIST_SLOTS = "SELECT slot_name, slot_type, database, active, restart_lsn FROM pg_replication_slots"
GUESSED = 0.5
"""Confidence where nothing but the names of its publications shows which server the publisher is."""
SKIPS_SINCE = 180000
"""The version since which changes of a missing publication are skipped; before, the stream fails."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An enabled subscription whose publisher answers and no longer has its slot or its publications.

    A publisher that was never seen to have the slot is guessed: the only server with the publications.
    """
    for affected in affected_subscriptions(context, NOT_WATCHED):
        guessed = _publisher(context, affected)
        if guessed is not None:
            yield _never_seen(affected, guessed)
    for affected in affected_subscriptions(context, RULES):
        subscription, publisher, link = affected.subscription, affected.publisher, affected.link
        if not subscription.enabled or publisher is None or link is None:
            continue
        missing = missing_publications(link, publisher, subscription)
        if missing:
            yield _publications(affected, publisher, missing)
        elif subscription.slot is not None and affected.slot is None and _is_sure(context, affected, link):
            yield _slot(context, affected, publisher, subscription.slot)


def _publisher(context: DiagnosisContext, affected: AffectedSubscription) -> NodeState | None:
    """The server that is probably the publisher of a subscription that receives nothing; not one that was promoted."""
    own = affected.subscription
    if affected.link is not None or own.name not in affected.node.idle_subscriptions or own.slot is None:
        return None
    if reached_limits(context, affected):
        return None
    found = successor_of(context.cluster, affected.node, own, None)
    return found.node if found is not None and not found.was_promoted else None


def _never_seen(affected: AffectedSubscription, publisher: NodeState) -> Claim:
    own, up = affected.subscription, publisher.name
    names = ", ".join(own.publications)
    return Claim(
        subject=affected.about,
        confidence=GUESSED,
        title=f"{up} may have lost the slot of {affected.name}",
        summary=f"{affected.name} is enabled and receives nothing; {up} has its publications ({names}) and no slot "
        f"{own.slot}: it may have been dropped, or the publisher is another server",
        steps=[
            Step(risk="look", node=up, sql=LIST_SLOTS),
            *affected.read_error,
        ],
        evidence_for=[
            fact("slot", f"{own.slot} does not exist", up),
            fact("publications", names, up, "no other watched server has them"),
            fact("worker", own.pid or "none", affected.node.name, "enabled, not streaming"),
        ],
        not_seen=[fact("publisher", "not seen", affected.node.name, _SHOWN_BY)],
    )


_SHOWN_BY = "the last ERROR of the worker says whether the server that it connects to lacks the slot"


def _is_sure(context: DiagnosisContext, affected: AffectedSubscription, link: LinkState) -> bool:
    """Whether the subscriber was read since: DROP SUBSCRIPTION drops the slot before the subscription is gone."""
    interval_s = affected.node.sample.interval_s if affected.node.sample is not None else 0.0
    return link.verdict == "broken" and context.now - link.verdict_since > 2 * interval_s


def _publications(affected: AffectedSubscription, publisher: NodeState, missing: list[str]) -> Claim:
    names, up = ", ".join(missing), publisher.name
    skips = publisher.node.version_num >= SKIPS_SINCE
    effect = (
        "their changes are skipped without an error and will not be sent again" if skips else "its worker keeps failing"
    )
    return Claim(
        subject=affected.about,
        confidence=0.98,
        title=f"publication {names} is gone from {up}",
        summary=f"{affected.name} takes its changes from {names}, which {up} does not have: {effect}",
        steps=_publication_steps(affected, publisher, missing, skips),
        not_needed=[] if skips else _undecodable(affected, publisher, missing),
        evidence_for=[
            fact("publications", f"{names}: not there", up),
            fact("publications", ", ".join(affected.subscription.publications), affected.node.name, affected.name),
        ],
    )


def _publication_steps(
    affected: AffectedSubscription, publisher: NodeState, missing: list[str], skips: bool
) -> list[Step]:
    """Create the publication again. Changes that were committed without it are lost.

    Before PostgreSQL 18 the stream reads the catalogue as it was at each change, so it must begin after the new
    publication.
    """
    up, slot = publisher.name, affected.subscription.slot
    database = publisher.sample.database if publisher.sample is not None else None
    looks = [Step(risk="look", node=up, database=database, sql="SELECT * FROM pg_publication_tables")]
    advance = []
    if slot is not None and not skips:
        looks.append(show_slot(up, slot))
        sql = f"SELECT pg_replication_slot_advance({literal(slot)}, pg_current_wal_flush_lsn())"
        advance.append(Step(risk="destructive", node=up, database=database, sql=sql))
    create = f"CREATE PUBLICATION {quoted(missing[0])} FOR TABLE ..."
    return [
        *looks,
        affected.alter("safe", "DISABLE"),
        Step(risk="safe", node=up, database=database, text=f"Run {create} with the tables that it had"),
        *advance,
        affected.alter("safe", "ENABLE"),
        Step(
            risk="careful", text="Compare the tables and copy the rows that differ: what was committed between is lost"
        ),
    ]


def _undecodable(affected: AffectedSubscription, publisher: NodeState, missing: list[str]) -> list[Evidence]:
    """That nothing can be read from the slot any more, and that no other publication of the subscription needs it."""
    others = set(affected.subscription.publications) - set(missing)
    row, slot = affected.row, affected.slot
    if others or slot is None or (slot.active and row is None):
        return []
    why = f"{affected.name} alone reads it, and of its publications none is left; {publisher.name} has the rows"
    return [not_needed(f"what slot {slot.name} retains", publisher.name, why)]


def _slot(context: DiagnosisContext, affected: AffectedSubscription, publisher: NodeState, slot: str) -> Claim:
    up = publisher.name
    return Claim(
        subject=affected.about,
        confidence=0.98,
        title=f"the slot of {affected.name} is gone from {up}",
        summary=f"slot {slot} on {up}, from which {affected.name} streams, was dropped: its worker keeps failing, "
        f"and changes committed since are not retained for it{cannot_decode(context, publisher)}",
        steps=_slot_steps(affected, publisher, slot, decode(context, publisher)),
        evidence_for=[
            fact("slot", f"{slot} does not exist", up),
            fact("worker", affected.subscription.pid or "none", affected.node.name, "enabled, not streaming"),
        ],
    )


def _slot_steps(affected: AffectedSubscription, publisher: NodeState, slot: str, before: list[Step]) -> list[Step]:
    """Stream from now on, and repair. Rows that only the subscriber has are left as they are."""
    up = publisher.name
    database = publisher.sample.database if publisher.sample is not None else None
    create = f"SELECT pg_create_logical_replication_slot({literal(slot)}, 'pgoutput')"
    return [
        Step(risk="look", node=up, sql=LIST_SLOTS),
        *before,
        Step(
            risk="careful",
            text="Create the slot again in the publisher's database: streaming continues from now on",
        ),
        Step(risk="careful", node=up, database=database, sql=create),
        Step(
            risk="careful",
            text="Then compare the tables and copy the rows that differ: changes since the drop are not sent again",
        ),
    ]


CAUSE = CauseRule(
    code="publication_or_slot_dropped",
    find=find,
)
