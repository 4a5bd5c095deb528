"""The hours in which people work, in their zone and across changes of its clock."""

from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.settings.hours import HoursSettings
from leadline_sinks.notify.hours import until_hours_s

BERLIN = HoursSettings(zone="Europe/Berlin")


def at(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "expected_h"),
    [
        ("2026-07-01T06:59:59", 1 / 3600),  # a Wednesday; 09:00 in Berlin is 07:00 UTC in summer
        ("2026-07-01T07:00:00", 0),
        ("2026-07-01T14:59:59", 0),
        ("2026-07-01T15:00:00", 16),
        ("2026-07-03T15:00:00", 64),  # Friday evening, until Monday
        ("2026-01-07T07:00:00", 1),  # 08:00 UTC in winter
        ("2026-03-27T16:00:00", 63),  # over the weekend on which the clock is set forward
        ("2026-10-23T15:00:00", 65),  # and back
    ],
)
def test_a_working_week(now: str, expected_h: float) -> None:
    assert until_hours_s(BERLIN, at(now)) == pytest.approx(expected_h * 3600)


def test_holidays() -> None:
    """The day after is one of work."""
    hours = HoursSettings(holidays=["2026-12-25", "2026-12-24"])
    assert until_hours_s(hours, at("2026-12-24T10:00:00")) == (3 * 24 + 23) * 3600


def test_a_night_shift() -> None:
    """It belongs to the day on which it begins."""
    hours = HoursSettings(days=["fri"], begin="22:00", end="06:00")
    assert until_hours_s(hours, at("2026-07-03T21:59:00")) == 60
    assert until_hours_s(hours, at("2026-07-04T05:59:00")) == 0
    assert until_hours_s(hours, at("2026-07-04T06:00:00")) > 6 * 86400
    assert until_hours_s(hours, at("2026-07-03T05:00:00")) == 17 * 3600, "Thursday's night is none"


def test_a_whole_day() -> None:
    """With one time for both, until the same time of the next day."""
    hours = HoursSettings(begin="00:00", end="00:00")
    assert until_hours_s(hours, at("2026-07-01T23:59:59")) == 0
    assert until_hours_s(hours, at("2026-07-04T00:00:00")) == 48 * 3600


def test_hours_that_do_not_begin() -> None:
    """Nobody works for months: whoever is asked is not."""
    days = [datetime(2026, 7, 1, tzinfo=UTC).date().toordinal() + number for number in range(90)]
    hours = HoursSettings(holidays=[datetime.fromordinal(day).date().isoformat() for day in days])
    assert until_hours_s(hours, at("2026-07-01T10:00:00")) == inf


@given(
    now=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    begin=st.sampled_from(["00:00", "02:30", "09:00", "22:00"]),
    end=st.sampled_from(["00:00", "02:30", "17:00", "23:59"]),
)
def test_the_hours_begin_when_they_say(now: Any, zone: str, begin: str, end: str) -> None:
    """After the wait it is in the hours, and just before it was not."""
    hours = HoursSettings(zone=zone, begin=begin, end=end)
    here = now.replace(tzinfo=UTC)
    wait_s = until_hours_s(hours, here)
    assert 0 <= wait_s <= 4 * 86400
    assert until_hours_s(hours, here + timedelta(seconds=wait_s)) == 0
    if wait_s > 1:
        assert until_hours_s(hours, here + timedelta(seconds=wait_s - 1)) == pytest.approx(1)
