"""The Grafana dashboard of the incident log."""

from pathlib import Path

import orjson
import psycopg
import pytest

from leadline.clock import ManualClock
from leadline.settings.sink import IncidentLogSettings
from leadline_sinks.incident_log.writer import IncidentLog
from leadline_sinks.notify.sink import Sent
from tests.integration.sinks.test_incident_log import life
from tests.unit.sinks import made

BOARD = Path(__file__).parents[3] / "deploy/grafana/dashboards/incidents.json"
PANELS = orjson.loads(BOARD.read_bytes())["panels"]
ALWAYS = "opened_at BETWEEN '-infinity' AND 'infinity'"


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"].replace(" ", "-"))
async def test_panels_have_data(panel: dict[str, object], log_settings: IncidentLogSettings) -> None:
    """The statement of each panel returns data for an incident log with one incident."""
    log = IncidentLog(log_settings, ManualClock(made.later(600)))
    assert await log.write(life()) == Sent()
    await log.close()
    (target,) = panel["targets"]  # type: ignore[misc]
    sql = (
        target["rawSql"]
        .replace("$__timeFilter(opened_at)", ALWAYS)
        .replace("$__timeFilter(i.opened_at)", f"i.{ALWAYS}")
    )
    assert log_settings.dsn is not None
    with psycopg.connect(log_settings.dsn.reveal()) as connection:
        found = connection.execute(sql).fetchall()
    assert found
    assert found[0][0] is not None
