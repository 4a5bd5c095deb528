"""Silences that end or begin in the middle, routes by severity, hostile names, forgotten acknowledgements."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leadline.model.action import Action
from leadline.model.alert import Subject
from leadline.model.ids import NodeName
from leadline.model.silence import Silence
from tests.fixtures.brokers import Broker
from tests.fixtures.commands import Run
from tests.integration.sinks.kit import CLOCK, values
from tests.unit.sinks import made
from tests.wild.conftest import Wild
from tests.wild.notifying import Notifying, notifying


def silence(seconds: float, **matchers: str) -> Silence:
    """A silence that begins now."""
    now = CLOCK.now()
    return Silence(
        silence_id="sil_1",
        matchers=matchers or {"cluster": "orders"},
        starts_at=now - timedelta(seconds=1),
        ends_at=now + timedelta(seconds=seconds),
        created_by="ada",
        comment="maintenance",
    )


async def recorded(it: Notifying, broker: Broker, prefix: str, outcome: str) -> None:
    """Wait until a delivery has this outcome."""
    for _ in range(100):
        if any(each.outcome == outcome for each in await values(broker.bootstrap, prefix, "deliveries")):
            return
        await asyncio.sleep(0.2)
    raise AssertionError(it.sink.err)


@pytest.mark.quick
@pytest.mark.situation(
    868, "A maintenance window ends while the problem goes on", "target/goalert#2594", "uptimepage/uptimepage#96"
)
async def test_a_maintenance_window_ends(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Nothing is sent during it. At its end people are notified of what is still open, and since when it is."""
    async with notifying(broker, prefix, tmp_path) as it:
        await it.put(silence(8))
        await asyncio.sleep(1.0)
        await it.record()
        await recorded(it, broker, prefix, "suppressed")
        assert it.receiver.events == ()
        wild.begins()
        await it.until("both", lambda: len(it.alerts) == 1 and it.slack("post"))
        summary = str(it.alerts[0].log[0].payload["payload"]["summary"])
        assert f"since {it.incident.opened_at:%H:%M} UTC" in summary
        wild.answers("paged at its end, since the beginning of the problem")


@pytest.mark.quick
@pytest.mark.situation(
    869, "A problem that people know ends during a silence", "bosun-monitor/bosun#342", "alertmanager#2048"
)
async def test_a_known_problem_ends_during_a_silence(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """The message shows the silence. Updates are held back, the end is sent: nobody has to close anything by hand."""
    async with notifying(broker, prefix, tmp_path) as it:
        await it.record()
        await it.until("both", lambda: len(it.alerts) == 1 and it.slack("post"))
        await it.put(silence(3600))
        await it.until("Slack shows it", lambda: "*silenced* by `ada`" in it.shown[0])
        quiet = it.shown
        await it.record(worst_lag_s=90.0)
        await recorded(it, broker, prefix, "suppressed")
        assert len(it.slack("update")) == 1
        assert it.shown == quiet
        assert it.slack("reply") == []
        wild.begins()
        await it.ends()
        await it.until("both ends", lambda: it.alerts[0].state == "resolved" and "RESOLVED" in it.shown[0])
        wild.answers("the end, in both")


@pytest.mark.quick
@pytest.mark.situation(
    870, "A silence for warnings, and the problem becomes critical", "pgEdge/ai-dba-workbench#64", "alerta/alerta#263"
)
async def test_a_silenced_warning_becomes_critical(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """The silence was for what was known then."""
    async with notifying(broker, prefix, tmp_path) as it:
        await it.put(silence(3600, cluster="orders", severity="warning"))
        await asyncio.sleep(1.0)
        await it.record()
        await recorded(it, broker, prefix, "suppressed")
        assert it.receiver.events == ()
        wild.begins()
        await it.record(severity="critical", generation=2)
        await it.until("both", lambda: len(it.alerts) == 1 and it.slack("post"))
        wild.answers("paged as critical")


@pytest.mark.quick
@pytest.mark.situation(
    871, "A silence of two hours, in the night in which clocks change", "netdata-cloud#1137", "grafana#82988", "am#2646"
)
async def test_a_silence_does_not_depend_on_time_zones(
    wild: Wild, broker: Broker, prefix: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lasts two hours of real time whatever the zone of the host, and says how long it lasts still."""
    async with notifying(broker, prefix, tmp_path) as it:
        for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"):
            monkeypatch.setenv("TZ", zone)
            made_ = await asyncio.to_thread(
                run, "silence", "add", "rule=replication_lag", "--for", "2h", "-c", it.config, "--format", "json"
            )
            assert made_.code == 0, made_.err
            lasts = json.loads(made_.out)
            assert lasts["starts_at"].endswith("Z")
            assert lasts["ends_at"].endswith("Z")
        shown = await asyncio.to_thread(run, "silence", "list", "-c", it.config)
        assert shown.out.count("1 h 59 min") == 3
        for each in await values(broker.bootstrap, prefix, "silences"):
            assert each.ends_at - each.starts_at == timedelta(hours=2)
        wild.answers("2 h, in UTC")


@pytest.mark.quick
@pytest.mark.situation(
    872,
    "PagerDuty gets critical incidents only, and one becomes a warning again before it ends",
    "netdata/netdata#18179",
    "sensu-plugins-pagerduty#30",
)
async def test_a_route_by_severity(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Whoever was notified is notified of the end, whatever the severity is then."""
    routes = [{"match": {"severity": "critical"}, "to": ["pagerduty", "slack"]}, {"to": ["slack"]}]
    async with notifying(broker, prefix, tmp_path, more={"routes": routes}) as it:
        await it.record()
        await it.until("the message", lambda: it.slack("post"))
        assert it.alerts == []
        await it.record(severity="critical", generation=2)
        await it.until("the page", lambda: len(it.alerts) == 1)
        await it.record(severity="warning")
        wild.begins()
        await it.ends()
        await it.until("the end", lambda: it.alerts[0].state == "resolved")
        wild.answers("the page is resolved")


@pytest.mark.quick
@pytest.mark.situation(
    873, "A database that is named <!channel>", "langfuse/langfuse#13874", "brexhq/CrabTrap#20", "goalert#4369"
)
async def test_a_database_that_would_notify_a_channel(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Names are shown as they are, and neither mention anybody nor format anything."""
    name = "<!channel> *bold* _tmp_ `x` <https://evil.example|here>"
    cause = made.cause(
        summary=f"table {name} is missing",
        subject=Subject(kind="node", id=f"orders/{name}", node=NodeName(name)),
        steps=[],
        fix=f"CREATE TABLE {name}",
    )
    async with notifying(broker, prefix, tmp_path) as it:
        wild.begins()
        await it.record(causes=[cause], title=f"orders: table {name} is missing", severity="critical")
        await it.until("both", lambda: len(it.alerts) == 1 and it.slack("post"))
        sent = json.dumps(it.slack("post"), ensure_ascii=False)
        assert "<!channel>" not in sent
        assert "<https://evil.example" not in sent
        assert "&lt;!channel&gt;" in sent
        await it.ends()
        await it.until("the end", lambda: "RESOLVED" in it.shown[0])
        assert "<!channel>" not in json.dumps(it.slack("reply") + it.slack("update"), ensure_ascii=False)
        wild.answers("&lt;!channel&gt;, as text")


@pytest.mark.quick
@pytest.mark.situation(
    874, "A query of 20 kB blocks replay", "getsentry/sentry#64928", "coroot/coroot#826", "alertmanager#2774"
)
async def test_a_very_long_query(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """The message is within the vendors' limits, at once, and says what is wrong."""
    query = "SELECT '" + "x" * 20_000 + "<&>' FROM orders"
    cause = made.cause(summary=f"pid 4711 runs {query}", fix=query, steps=[])
    async with notifying(broker, prefix, tmp_path) as it:
        wild.begins()
        await it.record(causes=[cause] * 5)
        await it.until("both", lambda: len(it.alerts) == 1 and it.slack("post"))
        wild.answers("shortened, and accepted at once")
        assert it.incident.title in it.shown[0]
        assert [each.problem for each in it.receiver.requests if each.problem] == []


@pytest.mark.quick
@pytest.mark.situation(
    875, "Acknowledged at night, and forgotten", "oncall#1792", "marbot-io/roadmap#51", "ustream/openduty#14"
)
async def test_an_acknowledgement_is_forgotten(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """After the time that is set, the channel is reminded, by name; an acknowledgement stands until then."""
    async with notifying(broker, prefix, tmp_path, repeat_s=1, repeat_acknowledged_s=4) as it:
        await it.record()
        await it.until("both", lambda: len(it.alerts) == 1 and it.slack("post"))
        await it.put(
            Action(
                action_id="act_1",
                incident_id=it.incident.incident_id,
                kind="acknowledge",
                by="ada",
                at=CLOCK.now(),
                generation=1,
            )
        )
        await it.until("the acknowledgement", lambda: it.alerts[0].state == "acknowledged")
        wild.begins()
        await it.until("the reminder", lambda: any("ada" in text for text in it.broadcasts))
        wild.answers(it.broadcasts[-1].partition("\n")[0])
        assert wild.after_s is not None
        assert wild.after_s > 2


@pytest.mark.quick
@pytest.mark.situation(
    876, "Another problem on the same cluster, an hour later", "elastic/kibana#76908", "PagerDuty/pdpyras#45", "g#26863"
)
async def test_another_problem_has_another_key(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Each has an alert of its own, and the end of one leaves the other open."""
    async with notifying(broker, prefix, tmp_path) as it:
        await it.record()
        await it.until("the page", lambda: len(it.alerts) == 1)
        first = it.incident
        wild.begins()
        it.incident = made.incident(1, opened_at=CLOCK.now() + timedelta(seconds=1), title=first.title)
        await it.record()
        await it.until("the second page", lambda: len(it.alerts) == 2)
        wild.answers("a page of its own")
        await it.ends()
        await it.until("one end", lambda: it.alerts[1].state == "resolved")
        assert it.alerts[0].state == "triggered"


@pytest.mark.quick
@pytest.mark.situation(
    877,
    "One incident turns out to be two problems",
    "keephq/keep#2481",
    "alertmanager#2874",
    "influxdata/kapacitor#1734",
)
async def test_an_incident_is_parted(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """The second problem is paged, though people have acknowledged the first, and says where it comes from."""
    async with notifying(broker, prefix, tmp_path) as it:
        await it.record()
        await it.until("the page", lambda: len(it.alerts) == 1)
        it.receiver.by_hand(it.incident.incident_id, "acknowledge")
        first = it.incident.incident_id
        wild.begins()
        opened: dict[str, Any] = {"opened_at": CLOCK.now() + timedelta(seconds=1), "parted_from": first}
        it.incident = made.incident(1, title="orders: pg-1 is down", **opened)
        await it.record()
        await it.until("the second page", lambda: len(it.alerts) == 2 and len(it.slack("post")) == 2)
        wild.answers("a page of its own")
        assert [each.state for each in it.alerts] == ["acknowledged", "triggered"]
        assert first in json.dumps(it.alerts[1].log[0].payload) or first in it.shown[1]
