"""``publication_or_slot_dropped``: what a subscription streams from is gone from its publisher."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline_streams.engines.postgresql.apply import Apply, quoted, troubled
from leadline_streams.engines.postgresql.subscriptions import missing_publications
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import LinkState, NodeState

RULES = FAILING | {"publication_missing"}
SKIPS_SINCE = 180000
"""Since PostgreSQL 18 the changes of a missing publication are skipped; before, the stream fails."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An enabled subscription whose publisher answers and does not have its slot or its publications any more."""
    for it in troubled(context, RULES):
        if not it.subscription.enabled or it.publisher is None or it.link is None:
            continue
        missing = missing_publications(it.link, it.publisher, it.subscription)
        if missing:
            yield _publications(it, it.publisher, missing)
        elif it.subscription.slot is not None and it.slot is None and _is_sure(context, it, it.link):
            yield _slot(it, it.publisher, it.subscription.slot)


def _is_sure(context: DiagnosisContext, it: Apply, link: LinkState) -> bool:
    """Whether the subscriber was looked at since: dropping a subscription drops its slot first."""
    looked_s = it.node.sample.interval_s if it.node.sample is not None else 0.0
    return link.verdict == "broken" and context.now - link.verdict_since > 2 * looked_s


def _publications(it: Apply, publisher: NodeState, missing: list[str]) -> Claim:
    names, up = ", ".join(missing), publisher.name
    skips = publisher.node.version_num >= SKIPS_SINCE
    lost = (
        "their changes are skipped without an error and will not come again" if skips else "its worker fails for ever"
    )
    name = quoted(it.subscription.name)
    # Before 18 the stream reads the catalogue as it was at each change, so it must begin after the new publication.
    slot = literal(it.subscription.slot or "")
    advance = "" if skips else f" SELECT pg_replication_slot_advance({slot}, pg_current_wal_flush_lsn());"
    return Claim(
        subject=it.about,
        confidence=0.98,
        title=f"publication {names} is gone from {up}",
        summary=f"{it.name} takes its changes from {names}, which {up} does not have: {lost}",
        fix=f"{it.place} ALTER SUBSCRIPTION {name} DISABLE; On {up}, in the publisher's database: CREATE PUBLICATION "
        f"{quoted(missing[0])} FOR TABLE ...; with the tables it had.{advance} {it.place} ALTER SUBSCRIPTION {name} "
        "ENABLE; Then compare the tables: what was committed in between is lost.",
        evidence_for=[
            fact("publications", f"{names}: not there", up),
            fact("publications", ", ".join(it.subscription.publications), it.node.name, it.name),
        ],
    )


def _slot(it: Apply, publisher: NodeState, slot: str) -> Claim:
    name, up = quoted(it.subscription.name), publisher.name
    return Claim(
        subject=it.about,
        confidence=0.98,
        title=f"the slot of {it.name} is gone from {up}",
        summary=f"slot {slot} on {up}, from which {it.name} streams, was dropped: the worker starts and fails for "
        "ever, and what was committed since is not kept for it",
        fix=f"Make the slot anew on {up}, in the publisher's database: "
        f"SELECT pg_create_logical_replication_slot({literal(slot)}, 'pgoutput'); streaming goes on from now. "
        f"Changes since the drop are lost: compare the tables, or copy anew. {it.place} ALTER SUBSCRIPTION {name} "
        f"DISABLE; ALTER SUBSCRIPTION {name} SET (slot_name = NONE); DROP SUBSCRIPTION {name}; TRUNCATE the tables and "
        "create it again.",
        evidence_for=[
            fact("slot", f"{slot} does not exist", up),
            fact("worker", it.subscription.pid or "none", it.node.name, "enabled, not streaming"),
        ],
    )


CAUSE = CauseRule(
    code="publication_or_slot_dropped",
    find=find,
)
