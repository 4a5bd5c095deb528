"""`leadline check`, given what it saw."""

import pytest

from leadline import lines
from leadline_cli import check
from leadline_streams.judge import limits
from leadline_streams.judge.policy import Policy
from leadline_streams.one_look import OneLook
from tests.unit.streams import crowds
from tests.unit.streams.world import at


def test_what_is_beyond_a_limit_is_named_and_is_not_healthy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the table, as JSON, and for Nagios."""
    monkeypatch.setattr(limits, "MOST_LINKS", 6)
    world, look = crowds.unwatched(20), OneLook(Policy())
    for _ in range(2):
        world.time += 1.0
        look.take([server.sample(world.time) for server in world.servers.values()])
        look.tick(at(world.time))
    look.conclude(at(world.time))
    once = lines.Once(look.nodes())
    for shown in ("table", "json"):
        check._print(look, shown, once)
        assert "links are judged, and these are not: orders/pg-0->pg-6" in capsys.readouterr().out
    assert check._nagios(look, once) == 3
    assert "REPLICATION UNKNOWN" in capsys.readouterr().out
