"""The horizon of vacuum on a server: the snapshots because of which dead rows cannot be removed yet."""

from dataclasses import dataclass

from leadline.model.alert import Evidence
from leadline.model.observation import Sample, Session, Slot
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState

LEAST_AGE = 1_000_000
"""Snapshots that are younger, in transactions, are usual and are not measured."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Holder of an old snapshot."""

    age: int
    """In transactions."""
    name: str
    """In words: ``slot s2``, ``standby pg-2``, ``session pid 4711``. Exactly one of the following is given."""
    slot: str | None = None
    standby: str | None = None
    """Its application name."""
    session: Session | None = None


def slot_holds(slot: Slot) -> bool:
    """Whether a slot's snapshot, of rows or of the catalog, is ``LEAST_AGE`` old or older."""
    return (slot.xmin_age or 0) >= LEAST_AGE or (slot.catalog_xmin_age or 0) >= LEAST_AGE


def is_held(sample: Sample) -> bool:
    """Whether any snapshot is ``LEAST_AGE`` old or older."""
    activity = sample.activity
    return (
        any((row.xmin_age or 0) >= LEAST_AGE for row in sample.downstreams)
        or any(map(slot_holds, sample.slots))
        or (activity is not None and any((each.xmin_age or 0) >= LEAST_AGE for each in activity.oldest))
    )


def holders(sample: Sample) -> list[Holder]:
    """Holders of all snapshots that are ``LEAST_AGE`` old or older, the oldest first."""
    sessions = sample.activity.oldest if sample.activity is not None else ()
    found = [
        *(Holder(row.xmin_age or 0, f"standby {row.name}", standby=row.name) for row in sample.downstreams),
        *(
            Holder(max(slot.xmin_age or 0, slot.catalog_xmin_age or 0), f"slot {slot.name}", slot=slot.name)
            for slot in sample.slots
        ),
        *(Holder(each.xmin_age or 0, f"session pid {each.pid}", session=each) for each in sessions),
    ]
    return sorted((each for each in found if each.age >= LEAST_AGE), key=lambda each: (-each.age, each.name))


def unseen_holders(node: NodeState) -> list[Evidence]:
    """Prepared transactions, which hold snapshots too: their age in transactions is not in the samples."""
    activity = node.sample.activity if node.sample is not None else None
    if activity is None or not activity.prepared_transactions:
        return []
    shown_by = "SELECT gid, age(transaction) FROM pg_prepared_xacts shows whether one of them is older"
    return [fact("prepared_transactions", activity.prepared_transactions, node.name, shown_by)]
