"""Settings of the hours in which people work."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta

from leadline.settings.declare import SettingPath, Settings

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Annotated[str, Meta(pattern=f"^({'|'.join(DAYS)})$", extra={"allowed": f"one of {', '.join(DAYS)}"})]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", extra={"allowed": "a time such as 09:00"})]


class HoursSettings(Settings, frozen=True, kw_only=True):
    """The hours in which the targets of a route are notified of everything."""

    zone: Annotated[
        str,
        Meta(
            min_length=1, max_length=64, description="Time zone of the hours, by its name.", examples=["Europe/Berlin"]
        ),
    ] = "UTC"
    days: Annotated[
        list[Day],
        Meta(description="Working days; if none is given, Monday to Friday.", examples=[["mon", "tue", "wed", "thu"]]),
    ] = []
    begin: Annotated[TimeOfDay, Meta(description="Beginning of the hours.")] = "09:00"
    end: Annotated[
        TimeOfDay, Meta(description="Their end; before the beginning, or equal to it, it is on the next day.")
    ] = "17:00"
    holidays: Annotated[
        list[Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", extra={"allowed": "a date such as 2026-12-25"})]],
        Meta(description="Days on which nobody works.", examples=[["2026-12-25", "2026-12-26"]]),
    ] = []

    def works(self, weekday: int) -> bool:
        """Whether a day of the week is a working day; 0 is Monday."""
        return DAYS[weekday] in self.days if self.days else weekday < 5

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The zone is known on this host, and the holidays are dates."""
        try:
            ZoneInfo(self.zone)
        except (ValueError, OSError, LookupError):  # ZoneInfoNotFoundError is a LookupError
            yield ("zone",), "no time zone of this host; give a name such as Europe/Berlin, or install tzdata"
        for index, day in enumerate(self.holidays):
            try:
                date.fromisoformat(day)
            except ValueError:
                yield ("holidays", index), "not a date; give one such as 2026-12-25"
