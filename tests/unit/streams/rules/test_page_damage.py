"""``page_damage``."""

import pytest

from leadline.model.tables import DatabaseState
from tests.unit.streams.rules import play

DAMAGED = DatabaseState(name="shop", checksum_failures=3, checksum_failed_s=20.0)


@pytest.mark.parametrize("on", ["pg-1", "pg-2"])
def test_a_page_whose_checksum_was_wrong(on: str) -> None:
    """It opens an incident, on a standby as well, and nothing is proposed that throws rows away."""
    world = play.databases("page_damage", DAMAGED, on=on)
    assert play.last(world, "page_damage").to == "firing"
    assert "database shop" in play.last(world, "page_damage").summary
    assert world.first_cause() == "page_damaged"
    assert world.incidents[-1].state == "open"
    assert {step.risk for step in world.causes[0].steps} == {"look", "careful"}


def test_a_damaged_page_is_news_for_an_hour() -> None:
    """The counter is never reset; without another failure the alert ends."""
    assert not play.of(
        play.databases("page_damage", DatabaseState(name="", checksum_failures=1, checksum_failed_s=3600.0)),
        "page_damage",
    )
    world = play.databases("page_damage", DatabaseState(name="", checksum_failures=1, checksum_failed_s=3560.0))
    assert "the tables that all databases share" in world.causes[0].summary
    play.stream(world, 60)
    assert play.last(world, "page_damage").to == "resolved"
