"""The first line about an incident: its impact, its beginning, and its end."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.headline import affected, away_s, ending, impact, impact_since
from leadline.model.ids import IncidentId, NodeName
from leadline.model.incident import Affected, TimelineEntry
from tests.unit.sinks import made

OLDER = IncidentId("inc_orders_20260410T095900Z_0001")


@pytest.mark.parametrize(
    ("links", "nodes", "expected"),
    [
        ([], [], ""),
        (["orders/pg-1->pg-2"], ["pg-2"], "pg-1 → pg-2"),
        (["orders/pg-1->pg-4/sub"], ["pg-4", "pg-1"], "pg-1 → pg-4/sub"),
        (["orders/pg-1->pg-2"], ["pg-3"], "pg-1 → pg-2 and pg-3"),
        (["orders/a->b", "orders/a->c"], [], "a → b, a → c"),
        (["orders/a->b", "orders/a->c", "orders/a->d"], ["x", "y", "z"], "3 links and 3 nodes"),
        ([], ["pg-1"], "pg-1"),
        (["what is this"], [], "what is this"),
    ],
)
def test_affected(links: list[str], nodes: list[str], expected: str) -> None:
    """Few are named, many are counted; a node at the end of a link is not named again."""
    about = Affected(links=links, nodes=[NodeName(node) for node in nodes])
    assert affected(made.incident(affected=about)) == expected


@pytest.mark.parametrize(("lag", "expected"), [(None, "pg-1"), (0.0, "pg-1"), (62.5, "up to 1 min 2 s behind, pg-1")])
def test_impact(lag: float | None, expected: str) -> None:
    """A lag that is not known, or is none, is left out."""
    incident = made.incident(worst_lag_s=lag, affected=Affected(nodes=[NodeName("pg-1")]))
    assert impact(incident) == expected
    assert impact_since(incident) == f"{expected}, since 10:00 UTC"
    assert impact_since(made.incident()) == "since 10:00 UTC"


FIXED = replace(made.change(), from_="-1", to="30s", at=made.later(200))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "resolved after 5 min"),
        ({"why": "the session has ended"}, "resolved after 5 min: the session has ended"),
        ({"merged_into": OLDER}, f"merged after 5 min into {OLDER}, since both are one problem"),
        ({"changes": [made.change()]}, "resolved after 5 min"),
        (
            {"changes": [made.change(), FIXED]},
            "resolved after 5 min; last change before it: max_standby_streaming_delay on pg-2: "
            "-1 (unlimited) → 30s, at 10:03:23 UTC",
        ),
        (
            {"why": "the session has ended", "changes": [FIXED]},
            "resolved after 5 min: the session has ended; last change before it: max_standby_streaming_delay on "
            "pg-2: -1 (unlimited) → 30s, at 10:03:23 UTC",
        ),
    ],
)
def test_ending(changes: dict[str, Any], expected: str) -> None:
    """The duration, and what ended it where the record names it; else the last change while it was open."""
    assert ending(made.resolved(**changes)) == expected
    assert ending(made.incident(changes=[FIXED])) == ""


def test_a_return() -> None:
    """The time between the last end and the return; unknown where the end is not in the timeline."""
    entries = [TimelineEntry(at=made.later(at), what=what) for at, what in ((100, "resolved"), (160, "reopened"))]
    incident = made.incident(timeline=entries, reopened=[made.later(160)])
    assert away_s(incident) == 60.0
    assert away_s(made.incident(reopened=[made.later(160)])) is None
    assert away_s(made.incident(timeline=entries)) is None
