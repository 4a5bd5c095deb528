"""The next table to compare, and when: those that were never compared first, then those whose proof is oldest. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from leadline.model.ids import LinkId
from leadline.settings.verify import VerifiedLinkSettings

LIST_S: Final = 3600.0
"""Tables are listed, and definitions compared, again after this."""
LIST_IN_CUT_OVER_S: Final = 60.0
"""The same while the settings say that the downstream is about to take over."""
RETRY_S: Final = 600.0
"""A table that stayed undecided, and a link that could not be read, are tried again after this, or `every_s`."""


@dataclass(frozen=True, slots=True)
class TableState:
    """The last comparison of one table."""

    compared_at: datetime | None = None
    equal_at: datetime | None = None
    decided: bool = True
    """Whether the last comparison found it equal or different."""


@dataclass(frozen=True, slots=True)
class KnownLink:
    """One link, with the tables that exist now."""

    tables: Mapping[str, TableState]
    listed_at: datetime
    """When these were listed, and the definitions compared, or could not be."""
    failed: bool = False
    """Whether the link could not be read then."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The next step: compare a table now, or wait."""

    link: VerifiedLinkSettings | None
    table: str = ""
    """Empty where the tables of the link are to be listed, and its definitions compared."""
    wait_s: float = 0.0


def next_turn(
    links: Sequence[VerifiedLinkSettings], known: Mapping[LinkId, KnownLink], now: datetime, longest_s: float
) -> Turn:
    """The comparison that is due first, or how long to wait, at most ``longest_s``."""
    due: list[tuple[datetime, int, str]] = []
    soonest = now + timedelta(seconds=longest_s)
    for index, link in enumerate(links):
        opens = _opens(link, now)
        state = known.get(link.link)
        when = opens if state is None else max(opens, state.listed_at + timedelta(seconds=_list_s(link, state)))
        due, soonest = _place(due, soonest, now, when, (datetime.min.replace(tzinfo=now.tzinfo), index, ""))
        if state is None or state.failed:
            continue
        for table, last in state.tables.items():
            when = max(opens, _again(link, last, now))
            oldest = last.equal_at or datetime.min.replace(tzinfo=now.tzinfo)
            due, soonest = _place(due, soonest, now, when, (oldest, index, table))
    if not due:
        return Turn(None, wait_s=max(0.0, (soonest - now).total_seconds()))
    _, index, table = min(due)
    return Turn(links[index], table)


def _place(
    due: list[tuple[datetime, int, str]],
    soonest: datetime,
    now: datetime,
    when: datetime,
    what: tuple[datetime, int, str],
) -> tuple[list[tuple[datetime, int, str]], datetime]:
    return ([*due, what], soonest) if when <= now else (due, min(soonest, when))


def _list_s(link: VerifiedLinkSettings, state: KnownLink) -> float:
    if state.failed:
        return min(RETRY_S, link.every_s)
    return LIST_IN_CUT_OVER_S if link.cut_over else LIST_S


def _again(link: VerifiedLinkSettings, last: TableState, now: datetime) -> datetime:
    """When a table is due; one that was not decided sooner than the others."""
    if last.compared_at is None:
        return now
    wait_s = link.every_s if last.decided else min(RETRY_S, link.every_s)
    return last.compared_at + timedelta(seconds=wait_s)


def _opens(link: VerifiedLinkSettings, now: datetime) -> datetime:
    """The next moment at which a comparison may begin, which may be now."""
    begin, end = link.from_hour, link.to_hour
    inside = begin <= now.hour < end if begin < end else now.hour >= begin or now.hour < end
    if inside:
        return now
    today = now.replace(hour=begin, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)
