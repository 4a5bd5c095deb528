"""The hours in which people work. Pure; zones and their changes of the clock are those of the host."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from math import inf
from typing import Final
from zoneinfo import ZoneInfo

from leadline.settings.hours import HoursSettings

AHEAD: Final = 60
"""Days that are looked at; hours that do not begin in these are taken not to."""


def until_hours_s(hours: HoursSettings, now: datetime) -> float:
    """Seconds until the hours begin; 0 in the hours, and infinity where none begin in the next 60 days."""
    for begin, end in _spans(hours, now):
        if begin <= now < end:
            return 0.0
        if begin > now:
            return (begin - now).total_seconds()
    return inf


def _spans(hours: HoursSettings, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The hours of each working day, from that of yesterday, which may reach into today."""
    zone = ZoneInfo(hours.zone)
    today = now.astimezone(zone).date()
    begin, end = time.fromisoformat(hours.begin), time.fromisoformat(hours.end)
    for number in range(-1, AHEAD):
        day = today + timedelta(days=number)
        if hours.works(day.weekday()) and day.isoformat() not in hours.holidays:
            last = day if end > begin else day + timedelta(days=1)
            yield _moment(day, begin, zone), _moment(last, end, zone)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A time of a zone in UTC, in which times can be compared across a change of the clock."""
    return datetime.combine(day, at, zone).astimezone(UTC)
