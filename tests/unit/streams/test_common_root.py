"""Standbys of one primary that are cut off close together: one problem where one root is seen, else two."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.incident import Incident
from leadline.model.server_log import LogLine, ServerLog
from leadline_streams.judge.policy import Policy
from leadline_streams.rules import RULES
from tests.unit.streams.fleet import Fleet
from tests.unit.streams.world import QUICK, at

SOON: dict[str, Any] = {**dict.fromkeys(RULES, QUICK), "replication_lag": {**QUICK, "warning": 3.0}}
BOTH = {"pg-2", "pg-4"}


def fleet() -> Fleet:
    """A fleet that has been healthy for ten seconds."""
    made = Fleet(Policy(quiet_s=5.0, rules=SOON))
    made.run(10)
    return made


def open_ones(made: Fleet) -> list[Incident]:
    """The newest record of each incident that was not merged into another."""
    last = {one.incident_id: one for one in made.incidents}
    return [one for one in last.values() if one.merged_into is None]


@pytest.mark.slow
@pytest.mark.parametrize(("between", "problems"), [(0, 1), (1, 1), (5, 2), (20, 2)])
def test_two_cuts_are_two_problems_unless_they_are_of_one_moment(between: int, problems: int) -> None:
    """Nothing shows a root of both: only where nobody can know they are one, which says so."""
    made = fleet()
    made.run(between, apart={"pg-2"})
    made.run(40, apart=BOTH)
    assert len(open_ones(made)) == problems
    made.run(60)
    assert {one.state for one in open_ones(made)} == {"resolved"}


def test_one_incident_of_two_cuts_names_both_and_that_no_root_is_seen() -> None:
    """Whoever reads it learns that there may be two."""
    made = fleet()
    made.run(40, apart=BOTH)
    (one,) = open_ones(made)
    assert one.title == "orders: pg-2 and pg-4 cannot connect to pg-1"
    assert "in the same moment, and no root of all of them is seen" in one.causes[0].summary
    assert [each.name for each in one.causes[0].not_seen][-1:] == ["common root"]
    assert one.causes[0].confidence <= 0.5
    assert {step.risk for step in one.causes[0].steps} == {"look"}


def _restart(made: Fleet) -> None:
    server = made.servers["pg-1"]
    server.node = replace(server.node, started_at=at(made.time))


def _refuse(made: Fleet) -> None:
    line = LogLine(at=at(made.time + 15), code="28000", message="no pg_hba.conf entry", process="walsender")
    made.servers["pg-1"].set(server_log=ServerLog(read=True, lines=(line,)))


def _configure(made: Fleet) -> None:
    made.settings("pg-1", listen_addresses="localhost")


@pytest.mark.parametrize("happens", [_restart, _refuse, _configure])
def test_what_happened_at_the_primary_is_one_root(happens: Any) -> None:
    """It was restarted, refuses both, or has another address: two cuts ten seconds apart are one problem."""
    made = fleet()
    made.settings("pg-1", listen_addresses="*")
    made.run(5)
    made.run(10, apart={"pg-2"})
    happens(made)
    made.run(40, apart=BOTH)
    (one,) = open_ones(made)
    assert "common root" not in [each.name for each in one.causes[0].not_seen]


def test_the_network_of_another_datacenter_is_one_root() -> None:
    """All standbys there lost the primary, and their agents report."""
    made = fleet()
    for name in BOTH:
        made.servers[name].node = replace(made.servers[name].node, datacenter="ams1")
    made.run(5)
    made.run(10, apart={"pg-2"})
    made.run(40, apart=BOTH)
    (one,) = open_ones(made)
    assert any(each.name == "datacenter" for each in one.causes[0].evidence_for)
