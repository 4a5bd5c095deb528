"""Initial copies that their publisher cancels, by a timeout of the subscription's role or by the server log."""

from typing import Any

import pytest

from leadline.model.server_log import LogLine, ServerLog
from leadline.model.tables import SenderTimeout
from leadline_streams.engines.postgresql.copy_timeouts import seconds
from tests.unit.streams.causes.logical import causes, first, logical, run
from tests.unit.streams.world import World

COPYING: dict[str, Any] = {"tables": {"d": 1, "r": 3}, "unsynced": ("more",)}


def timeout(value: str = "2min", **fields: Any) -> SenderTimeout:
    usual = {"sender": "sub", "role": "repl", "database": "app", "setting": "statement_timeout", "set_for": "role"}
    return SenderTimeout(**{**usual, "value": value, **fields})


def limited(*timeouts: SenderTimeout) -> World:
    world = logical()
    world.servers["pg-1"].set(sender_timeouts=timeouts)
    return world


def every(turn_s: int) -> Any:
    """A counter that rises once in so many seconds."""
    return lambda second: second // turn_s


def test_each_attempt_outlives_the_timeout() -> None:
    """Two failures are further apart than an attempt may last: the setting is named, and the statement that ends it."""
    world = limited(timeout())
    run(world, 260, sync_errors=every(125), **COPYING)
    cause = first(world)
    assert (cause.code, cause.confidence) == ("table_copy_cancelled", 0.95)
    assert "statement_timeout = 2min, which is set for role repl on pg-1" in cause.summary
    assert "ALTER ROLE repl SET statement_timeout = 0" in [step.sql for step in cause.steps]
    assert "table_sync_failing" not in {each.code for each in causes(world)}


def test_a_timeout_of_the_database() -> None:
    """The subscription's role gets one of its own there."""
    world = limited(timeout("5000", set_for="database"))
    run(world, 40, sync_errors=every(11), **COPYING)
    assert "ALTER ROLE repl IN DATABASE app SET statement_timeout = 0" in first(world).fix


@pytest.mark.parametrize("other", [{"sender": "another"}, {"database": "shop"}, {"value": "0"}, {"value": "1h"}])
def test_a_timeout_that_does_not_explain_it(other: dict[str, str]) -> None:
    """One of another sender, of another database, none, or one that no attempt reached."""
    world = limited(timeout(**{"value": "5s", **other}))
    run(world, 40, sync_errors=every(11), **COPYING)
    assert first(world).code == "table_sync_failing"


@pytest.mark.parametrize(
    ("server", "line"),
    [
        ("pg-1", LogLine(process="walsender", code="57014", message="canceling statement due to statement timeout")),
        (
            "pg-3",
            LogLine(
                process="logical replication tablesync worker",
                code="08P01",
                message="could not receive data from WAL stream: ERROR:  canceling statement due to statement timeout",
            ),
        ),
    ],
)
def test_the_server_log_says_so(server: str, line: LogLine) -> None:
    """No catalog shows a timeout of the configuration file."""
    world = limited()
    world.servers[server].set(server_log=ServerLog(path="log", read=True, lines=(line,)))
    run(world, 40, sync_errors=every(11), **COPYING)
    cause = first(world)
    assert (cause.code, cause.confidence) == ("table_copy_cancelled", 0.97)
    assert [each.name for each in cause.not_seen] == ["statement_timeout"]


def test_failures_from_before_the_first_look() -> None:
    """For as long as an attempt may take, they count; then the copy shows by itself that it gets through."""
    world = World(table_sync_stuck={"for_s": 5.0, "keep_s": 5.0})
    world.add("pg-1", "primary").set(sender_timeouts=(timeout("60s"),))
    world.add("pg-3", "primary", system_id="7003")
    run(world, 15, sync_errors=4, **COPYING)
    assert first(world).code == "table_copy_cancelled"
    run(world, 90, sync_errors=4, **COPYING)
    assert world.transitions[-1].to == "resolved"


def test_failures_that_are_far_apart_end_with_the_copy() -> None:
    world = limited(timeout())
    run(world, 260, sync_errors=every(125), **COPYING)
    run(world, 15, sync_errors=2, tables={"r": 4})
    assert world.transitions[-1].to == "resolved"


@pytest.mark.parametrize(
    ("value", "expected"), [("3s", 3.0), ("2min", 120.0), ("1500", 1.5), ("1 h", 3600.0), ("0", 0.0), ("?", 0.0)]
)
def test_the_units_of_a_setting(value: str, expected: float) -> None:
    assert seconds(timeout(value)) == expected
