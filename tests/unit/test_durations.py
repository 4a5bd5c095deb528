"""Durations as people write them."""

import pytest

from leadline.words import duration


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "-"),
        (0, "0 s"),
        (0.26, "0.3 s"),
        (4.5, "4.5 s"),
        (5.0, "5 s"),
        (9.97, "10 s"),
        (43.0, "43 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (300, "5 min"),
        (3600, "1 h"),
        (3659, "1 h"),
        (11_400, "3 h 10 min"),
        (86_460, "24 h 1 min"),
        (172_800, "2 d"),
        (266_400, "3 d 2 h"),
    ],
)
def test_a_duration(seconds: float | None, written: str) -> None:
    """At most two units, without a zero behind the first."""
    assert duration(seconds) == written
