"""``publication_or_slot_dropped``: the slot that a subscription streams from is gone from the publisher."""

from collections.abc import Iterator

from leadline_streams.judge.apply import Apply, quoted, troubled
from leadline_streams.judge.cause import CUT, Case, CauseRule, Claim, literal
from leadline_streams.judge.memory import LinkState
from leadline_streams.judge.rule import fact


def find(case: Case) -> Iterator[Claim]:
    """An enabled subscription whose publisher answers and does not have its slot any more."""
    for it in troubled(case, CUT):
        slot = it.subscription.slot
        if not it.subscription.enabled or slot is None or it.publisher is None or it.slot is not None:
            continue
        if it.link is None or not _is_sure(case, it, it.link):
            continue
        yield Claim(
            subject=it.about,
            confidence=0.98,
            title=f"the slot of {it.name} is gone from {it.publisher.name}",
            summary=f"slot {slot} on {it.publisher.name}, from which {it.name} streams, was dropped: the worker starts "
            "and fails for ever, and what was committed since is not kept for it",
            fix=_fix(it, slot),
            evidence_for=[
                fact("slot", f"{slot} does not exist", it.publisher.name),
                fact("worker", it.subscription.pid or "none", it.node.name, "enabled, not streaming"),
            ],
        )


def _is_sure(case: Case, it: Apply, link: LinkState) -> bool:
    """Whether the subscriber was looked at since: dropping a subscription drops its slot first."""
    looked_s = it.node.sample.interval_s if it.node.sample is not None else 0.0
    return link.verdict == "broken" and case.now - link.verdict_since > 2 * looked_s


def _fix(it: Apply, slot: str) -> str:
    name = quoted(it.subscription.name)
    assert it.publisher is not None
    return (
        f"Make the slot anew on {it.publisher.name}, in the publisher's database: "
        f"SELECT pg_create_logical_replication_slot({literal(slot)}, 'pgoutput'); streaming goes on from now. "
        f"Changes since the drop are lost: compare the tables, or copy anew. {it.place} ALTER SUBSCRIPTION {name} "
        f"DISABLE; ALTER SUBSCRIPTION {name} SET (slot_name = NONE); DROP SUBSCRIPTION {name}; TRUNCATE the tables and "
        "create it again."
    )


CAUSE = CauseRule(
    code="publication_or_slot_dropped",
    help="the subscription is enabled and the publisher, which answers, has no slot of that name",
    explains=CUT,
    find=find,
)
