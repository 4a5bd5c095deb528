"""The form of facts about versions. A version is a pair of whole numbers, never a decimal."""

from datetime import date, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

Version = Annotated[str, Meta(pattern=r"^\d+\.\d+$", examples=["17.10"])]
EffectKind = Literal["lost data", "stopped", "disturbed", "misleading"]
"""``lost data``: lost or wrong. ``stopped``: replication, recovery or the server. ``misleading``: what is shown."""
TRAIN: timedelta = timedelta(weeks=13)
"""Time from one regular minor release to the next."""


def pair(version: str) -> tuple[int, int]:
    """A version as numbers that can be compared. Raises ValueError."""
    major, _, minor = version.partition(".")
    return int(major), int(minor)


class Support(Struct, frozen=True, forbid_unknown_fields=True):
    """A major version."""

    released: date
    until: date
    """The day of its last minor release."""
    newest: Version
    """The newest minor release that the facts have."""
    newest_on: date | None = None
    """The day of that minor release; None if it is not known."""

    def is_behind(self, today: date) -> bool:
        """Whether a regular minor release of it must have appeared that the facts do not have."""
        return self.newest_on is not None and self.newest_on < self.until and today - self.newest_on > TRAIN


class Advisory(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One defect."""

    id: Annotated[str, Meta(pattern=r"^[A-Z]+(-[A-Z]+)*-\d{3,}$")]
    released: date
    """Of the minor releases that repair it."""
    fixed: Annotated[tuple[Version, ...], Meta(min_length=1)]
    """The first good minor of each major that has the defect."""
    introduced: tuple[Version, ...] = ()
    """The minor that brought it; the first one of the major where none is given."""
    effect_is: EffectKind
    area: str
    condition: str
    """Name of what an audit tests. ``always`` holds for every server."""
    rare: bool = False
    """Whether it also takes an event that no look shows, such as a statement at the same time."""
    when: str
    effect: str
    remedy: str = ""
    """Beside the update."""

    def fixed_for(self, version_num: int) -> str | None:
        """The minor that a server of this ``server_version_num`` lacks; None where it does not have the defect."""
        major, minor = divmod(version_num, 10000)
        for good in self.fixed:
            if pair(good)[0] == major:
                brought = max((pair(one)[1] for one in self.introduced if pair(one)[0] == major), default=0)
                return good if brought <= minor < pair(good)[1] else None
        return None


class Facts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is known of one product."""

    schema: Literal[1]
    product: str
    facts_as_of: date
    supported: dict[str, Support]
    """By major version."""
    advisories: tuple[Advisory, ...]

    def is_old(self, today: date) -> bool:
        """Whether a regular minor release must have appeared since."""
        return today - self.facts_as_of > TRAIN


class Amendment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operator's file: entries to add, and ids to withdraw."""

    schema: Literal[1]
    add: tuple[Advisory, ...] = ()
    withdraw: tuple[str, ...] = ()
    supported: dict[str, Support] = {}
    """Replaces what is known of these majors."""
