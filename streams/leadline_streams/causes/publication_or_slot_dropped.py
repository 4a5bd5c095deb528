"""``publication_or_slot_dropped``: a subscription's publication or slot is gone from its publisher."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import Apply, affected_subscriptions, quoted
from leadline_streams.engines.postgresql.subscriptions import missing_publications
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import LinkState, NodeState

RULES = FAILING | {"publication_missing"}
SKIPS_SINCE = 180000
"""Since PostgreSQL 18 the changes of a missing publication are skipped; before, the stream fails."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An enabled subscription whose publisher answers and no longer has its slot or its publications."""
    for subscriber in affected_subscriptions(context, RULES):
        if not subscriber.subscription.enabled or subscriber.publisher is None or subscriber.link is None:
            continue
        missing = missing_publications(subscriber.link, subscriber.publisher, subscriber.subscription)
        if missing:
            yield _publications(subscriber, subscriber.publisher, missing)
        elif (
            subscriber.subscription.slot is not None
            and subscriber.slot is None
            and _is_sure(context, subscriber, subscriber.link)
        ):
            yield _slot(subscriber, subscriber.publisher, subscriber.subscription.slot)


def _is_sure(context: DiagnosisContext, subscriber: Apply, link: LinkState) -> bool:
    """Whether the subscriber was read since: dropping a subscription drops its slot first."""
    looked_s = subscriber.node.sample.interval_s if subscriber.node.sample is not None else 0.0
    return link.verdict == "broken" and context.now - link.verdict_since > 2 * looked_s


def _publications(subscriber: Apply, publisher: NodeState, missing: list[str]) -> Claim:
    names, up = ", ".join(missing), publisher.name
    skips = publisher.node.version_num >= SKIPS_SINCE
    lost = (
        "their changes are skipped without an error and will not be sent again" if skips else "its worker keeps failing"
    )
    # Before 18 the stream reads the catalogue as it was at each change, so it must begin after the new publication.
    slot = literal(subscriber.subscription.slot or "")
    advance = f"SELECT pg_replication_slot_advance({slot}, pg_current_wal_flush_lsn())"
    database = publisher.sample.database if publisher.sample is not None else None
    return Claim(
        subject=subscriber.about,
        confidence=0.98,
        title=f"publication {names} is gone from {up}",
        summary=f"{subscriber.name} takes its changes from {names}, which {up} does not have: {lost}",
        steps=[
            Step(risk="look", node=up, database=database, sql="SELECT * FROM pg_publication_tables"),
            subscriber.alter("safe", "DISABLE"),
            Step(
                risk="safe",
                text=f"On {up}, in the publisher's database: CREATE PUBLICATION {quoted(missing[0])} FOR TABLE ... "
                f"with "
                "the tables that it had",
            ),
            *([] if skips else [Step(risk="destructive", node=up, database=database, sql=advance)]),
            subscriber.alter("safe", "ENABLE"),
            Step(risk="look", text="Compare the tables: changes that were committed in between are lost"),
        ],
        evidence_for=[
            fact("publications", f"{names}: not there", up),
            fact(
                "publications", ", ".join(subscriber.subscription.publications), subscriber.node.name, subscriber.name
            ),
        ],
    )


def _slot(subscriber: Apply, publisher: NodeState, slot: str) -> Claim:
    name, up = quoted(subscriber.subscription.name), publisher.name
    database = publisher.sample.database if publisher.sample is not None else None
    create = f"SELECT pg_create_logical_replication_slot({literal(slot)}, 'pgoutput')"
    return Claim(
        subject=subscriber.about,
        confidence=0.98,
        title=f"the slot of {subscriber.name} is gone from {up}",
        summary=f"slot {slot} on {up}, from which {subscriber.name} streams, was dropped: its worker keeps failing, "
        "and changes committed since are not retained for it",
        steps=[
            Step(
                risk="look",
                node=up,
                sql="SELECT slot_name, slot_type, database, active, restart_lsn FROM pg_replication_slots",
            ),
            Step(
                risk="careful",
                text="Either create the slot again, in the publisher's database: streaming continues from now on, "
                "changes "
                "since the drop are lost, and the tables have to be compared",
            ),
            Step(risk="careful", node=up, database=database, sql=create),
            Step(
                risk="destructive",
                text=f"Or copy the tables again: on {subscriber.node.name}, drop subscription {name} after SET "
                f"(slot_name = "
                f"NONE), "
                "TRUNCATE its tables and create it again",
            ),
        ],
        evidence_for=[
            fact("slot", f"{slot} does not exist", up),
            fact("worker", subscriber.subscription.pid or "none", subscriber.node.name, "enabled, not streaming"),
        ],
    )


CAUSE = CauseRule(
    code="publication_or_slot_dropped",
    find=find,
)
