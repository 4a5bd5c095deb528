"""Values of settings as people write them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from leadline.model.ids import NodeName
from leadline.model.incident import Change
from leadline.setting_words import move, origin, shown, written

AT = datetime(2026, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("10000", "ms", "10s"),
        ("90000", "ms", "90s"),
        ("3600000", "ms", "1h"),
        ("200", "ms", "200ms"),
        ("5", "min", "5min"),
        ("16384", "8kB", "128MB"),
        ("1000", "MB", "1000MB"),
        ("16777216", "B", "16MB"),
        ("64", "16MB", "1GB"),
        ("-1", "ms", "-1"),
        ("0", "kB", "0"),
        ("on", None, "on"),
        ("", "ms", ""),
        ("0.5", "ms", "0.5ms"),
        ("0.5", "8kB", "0.5 * 8kB"),
        ("7", "parsecs", "7parsecs"),
        ("9" * 30, "ms", "9" * 30 + "ms"),
    ],
)
def test_a_value_is_written_as_the_server_shows_it(value: str, unit: str | None, expected: str) -> None:
    assert written(value, unit) == expected


def test_what_a_value_means() -> None:
    """-1 is no limit where it lifts one, and nothing else is interpreted."""
    assert shown("max_standby_streaming_delay", "-1") == "-1 (unlimited)"
    assert shown("wal_buffers", "-1") == "-1"
    assert shown("primary_slot_name", "") == "empty"
    assert shown("primary_slot_name", None) == "unset"


def test_a_change_in_one_arrow() -> None:
    change = Change(
        node=NodeName("pg-2"),
        setting="max_standby_streaming_delay",
        from_="10s",
        to="-1",
        at=datetime(2026, 4, 10, tzinfo=UTC),
    )
    assert move(change) == "10s → -1 (unlimited)"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"source": "configuration file", "file": "postgresql.auto.conf", "line": 4}, "postgresql.auto.conf line 4"),
        ({"source": "configuration file", "file": "postgresql.conf"}, "postgresql.conf"),
        ({"source": "configuration file"}, ""),
        ({"source": "command line"}, "command line"),
        ({"source": "default"}, "default"),
        ({}, ""),
    ],
)
def test_where_a_value_is_from(fields: dict[str, Any], expected: str) -> None:
    """The file and the line where they are shown; other sources by their names."""
    given = {"node": NodeName("pg-1"), "setting": "max_wal_senders", "from_": "10", "to": "20", "at": AT}
    assert origin(Change(**given, **fields)) == expected


def test_what_waits_for_a_restart_has_not_changed() -> None:
    waits = Change(node=NodeName("pg-1"), setting="max_wal_senders", from_="10", to="10", at=AT, pending_restart=True)
    assert move(waits) == "10, until a restart puts the value of the files into effect"
