"""When the tables of logical replication are looked at."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.observation import Slot, Subscription
from leadline_agents.engines.postgresql.document import Look, read_look
from leadline_agents.engines.postgresql.workers import Workers

SEEN = read_look((Path(__file__).parent / "documents" / "18-primary.json").read_bytes())
SLOT = Slot(name="s", kind="logical", database="app", active=True, active_pid=1)
SUBSCRIPTION = Subscription(name="s", database="app", pid=1, apply_errors=0)


def look(**fields: Any) -> Look:
    """A look at database app, with these slots and subscriptions only."""
    return replace(SEEN, **{"database": "app", "slots": [], "subscriptions": [], **fields})


@pytest.mark.parametrize(
    ("calm", "troubled"),
    [
        ({"slots": [SLOT]}, {"slots": [replace(SLOT, active=False, active_pid=None)]}),
        ({"slots": [SLOT]}, {"slots": [replace(SLOT, active_pid=2)]}),
        ({"subscriptions": [SUBSCRIPTION]}, {"subscriptions": [replace(SUBSCRIPTION, pid=None)]}),
        ({"subscriptions": [SUBSCRIPTION]}, {"subscriptions": [replace(SUBSCRIPTION, pid=2)]}),
        ({"subscriptions": [SUBSCRIPTION]}, {"subscriptions": [replace(SUBSCRIPTION, apply_errors=1)]}),
    ],
)
def test_a_worker_that_is_gone_or_came_anew_is_trouble(calm: Any, troubled: Any) -> None:
    """What it met may be in the tables."""
    workers = Workers()
    assert [workers.troubled(look(**it)) for it in (calm, calm, troubled)] == [False, False, True]


def test_what_is_there_at_the_first_look_is_no_news() -> None:
    """A healthy start costs nothing; a worker that is missing then is trouble all the same."""
    assert not Workers().troubled(look(slots=(SLOT,), subscriptions=(replace(SUBSCRIPTION, apply_errors=7),)))
    assert Workers().troubled(look(subscriptions=(replace(SUBSCRIPTION, pid=None),)))


def test_other_databases_and_standbys_are_not_its_business() -> None:
    """Tables are seen of one database only; who switched a subscription off knows."""
    workers = Workers()
    standby = Slot(name="p", kind="physical", active=False)
    elsewhere = replace(SUBSCRIPTION, database="other", pid=None)
    off = replace(SUBSCRIPTION, enabled=False, pid=None)
    shown = look(slots=(standby, replace(SLOT, database="other", active=False)), subscriptions=(elsewhere, off))
    assert [workers.troubled(shown) for _ in range(2)] == [False, False]
