"""Runbooks with the servers of an incident."""

import re

import pytest

from leadline import runbooks
from leadline.model.alert import Subject
from leadline.model.ids import NodeName
from leadline.model.incident import Affected
from tests.unit.sinks import made


def places(text: str) -> set[str]:
    """The places where statements are to be run."""
    return set(re.findall(r"^ *-- on (.*)$", text, re.MULTILINE))


def test_statements_name_the_servers_of_the_incident() -> None:
    """Upstreams for a primary or a publisher, downstreams for a standby or a subscriber, all for both."""
    links = ["orders/pg-1->pg-2", "orders/pg-1->pg-3/sub"]
    incident = made.incident(affected=Affected(links=links))
    assert places(runbooks.page("replay_paused")) == {"the standby", "both"}
    assert places(runbooks.filled(runbooks.page("replay_paused"), incident)) == {"pg-2, pg-3", "pg-1, pg-2, pg-3"}
    assert places(runbooks.filled(runbooks.page("replication_lag"), incident)) == {"pg-1", "pg-2, pg-3"}


@pytest.mark.parametrize(
    ("kind", "rule", "place"),
    [("slot", "slot_lost", "the primary"), ("subscription", "apply_error", "the subscriber")],
)
def test_a_slot_or_a_subscription_names_its_server(kind: str, rule: str, place: str) -> None:
    about = Subject(kind=kind, id="x", node=NodeName("pg-7"), name="s")  # type: ignore[arg-type]
    incident = made.incident(causes=[made.cause(subject=about)])
    assert place in places(runbooks.page(rule))
    filled = places(runbooks.filled(runbooks.page(rule), incident))
    assert "pg-7" in filled
    assert place not in filled


def test_without_servers_the_page_stays_as_it_is() -> None:
    """The incident is shown above it, in one line each, whatever its names hold."""
    hostile = made.incident(title="orders: a\n## forged", affected=Affected(), causes=[made.cause(summary="b\nc")])
    page = runbooks.page("replication_lag")
    filled = runbooks.filled(page, hostile)
    assert places(filled) == places(page)
    assert filled.splitlines()[0] == "# replication_lag"
    assert filled.splitlines()[2:4] == [
        "> orders: a\\n## forged; since 10:00 UTC",
        "> Cause (standby_query_blocks_replay, 94%): b\\nc",
    ]
    assert [line for line in filled.splitlines() if line.startswith("## forged")] == []


def test_the_command_in_messages() -> None:
    """It names the first rule and the incident; without a rule there is none."""
    assert (
        runbooks.command(made.incident())
        == f"leadline runbook replication_lag --incident {made.incident().incident_id}"
    )
    assert runbooks.command(made.incident(rules=[])) == ""
