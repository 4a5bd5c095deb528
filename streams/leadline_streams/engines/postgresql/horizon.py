"""The oldest transaction that vacuum must respect on a server, and what holds it there."""

from dataclasses import dataclass

from leadline.model.observation import Sample, Session

LEAST_AGE = 1_000_000
"""A horizon that is younger holds nothing back that matters, and is not measured."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A snapshot that dead rows are kept for."""

    age: int
    """In transactions."""
    name: str
    """For people: ``slot s2``, ``standby pg-2``, ``session pid 4711``."""
    slot: str | None = None
    standby: str | None = None
    session: Session | None = None


def is_held(sample: Sample) -> bool:
    """Whether anything holds the horizon back by ``LEAST_AGE`` or more."""
    activity = sample.activity
    return (
        any((row.xmin_age or 0) >= LEAST_AGE for row in sample.downstreams)
        or any(max(slot.xmin_age or 0, slot.catalog_xmin_age or 0) >= LEAST_AGE for slot in sample.slots)
        or (activity is not None and any((each.xmin_age or 0) >= LEAST_AGE for each in activity.oldest))
    )


def holders(sample: Sample) -> list[Holder]:
    """Everything that holds the horizon back by ``LEAST_AGE`` or more, the oldest first."""
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
