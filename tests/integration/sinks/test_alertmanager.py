"""A real Alertmanager: alerts that neither resolve by themselves, nor are lost, nor stay when it is over."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from leadline.clock import SystemClock
from leadline.model.delivery import Occasion
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.routing import NotifySettings
from leadline_lab.sandbox.port import HOST, Port
from leadline_lab.sandbox.wait import eventually
from leadline_sinks.alertmanager.sink import AlertmanagerSink
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import Notification, Sent
from tests.fixtures.alertmanager import Alertmanager, alertmanager
from tests.integration.sinks.kit import Hook, hook
from tests.unit.sinks import made

CLOCK = SystemClock()
EXPIRE_S = 3600.0


@pytest.fixture
def receiver() -> Iterator[Hook]:
    with hook() as up:
        yield up


@pytest.fixture
def up(tmp_path: Path, receiver: Hook) -> Iterator[Alertmanager]:
    with alertmanager(tmp_path, receiver.url) as running:
        yield running


def sink(*urls: str) -> AlertmanagerSink:
    given = AlertmanagerSettings(urls=list(urls), expire_s=EXPIRE_S)
    return AlertmanagerSink(given, NotifySettings(), Http(CLOCK), CLOCK)


async def send(to: AlertmanagerSink, notification: Notification, receipt: Any = ()) -> dict[str, str]:
    outcome = await to.deliver(made.with_receipt(notification, dict(receipt)))
    assert isinstance(outcome, Sent), outcome
    return dict(outcome.receipt)


def about(occasion: Occasion = "opened", **changes: Any) -> Notification:
    """A notification about an incident that began now: Alertmanager has the clock of this machine."""
    now = CLOCK.now()
    given = made.resolved(resolved_at=now, **changes) if occasion == "resolved" else made.incident(**changes)
    return made.notification(occasion, incident=given)


async def test_the_life_of_an_incident(up: Alertmanager, receiver: Hook) -> None:
    """Opened, more severe, sent again, resolved: one alert at each time, and a notification for each change only."""
    began = CLOCK.now()
    to = sink(up.url)
    receipt = await send(to, about(severity="warning", opened_at=began))
    (alert,) = up.alerts()
    assert alert["labels"]["alertname"] == "replication_lag"
    assert alert["labels"]["severity"] == "warning"
    assert alert["labels"]["team"] == "payments"
    assert alert["annotations"]["summary"].startswith("orders: replay on pg-2 is blocked by a query")
    eventually("a notification", lambda: [each["status"] for each in receiver.got] == ["firing"])
    receipt = await send(to, about("escalated", opened_at=began), receipt)
    eventually("one alert", lambda: [each["labels"]["severity"] for each in up.alerts()] == ["critical"])
    eventually("a notification of the severity", lambda: severities(receiver)[-1:] == [["critical"]])
    count = len(receiver.got)
    for _ in range(3):
        receipt = await send(to, about("kept_open", opened_at=began), receipt)
    receipt = await send(to, about("resolved", opened_at=began), receipt)
    eventually("no alert", lambda: up.alerts() == [])
    eventually("the end", lambda: receiver.got[-1]["status"] == "resolved")
    assert [each["status"] for each in receiver.got[count:]] == ["resolved"]
    await to.close()


async def test_it_does_not_resolve_by_itself(up: Alertmanager) -> None:
    """An alert without an end is over after five minutes (uptrace/uptrace issue 241): this one has its own, which
    each delivery moves on."""
    to = sink(up.url)
    before = CLOCK.now()
    await send(to, about(opened_at=before))
    (alert,) = up.alerts()
    assert (datetime.fromisoformat(alert["endsAt"]) - before).total_seconds() >= EXPIRE_S - 1
    await to.close()


async def test_it_is_sent_again_after_a_restart(up: Alertmanager, receiver: Hook) -> None:
    """Alertmanager forgets its alerts (prometheus/alertmanager issue 2370), and would never say that one is over."""
    began = CLOCK.now()
    to = sink(up.url)
    receipt = await send(to, about(opened_at=began))
    eventually("a notification", lambda: len(receiver.got) == 1)
    up.stop()
    up.start()
    assert up.alerts() == []
    await send(to, about("kept_open", opened_at=began), receipt)
    assert len(up.alerts()) == 1
    await send(to, about("resolved", opened_at=began), receipt)
    eventually("the end", lambda: receiver.got[-1]["status"] == "resolved")
    await to.close()


async def test_one_instance_of_two_is_away(up: Alertmanager, caplog: pytest.LogCaptureFixture) -> None:
    """The other one has the alert, and the process log names the failure."""
    with Port() as away:
        to = sink(f"http://{HOST}:{away.number}", up.url)
        await send(to, about(opened_at=CLOCK.now()))
        await to.close()
    assert len(up.alerts()) == 1
    assert "did not take an alert" in caplog.text


async def test_a_test_notifies_nobody(up: Alertmanager, receiver: Hook) -> None:
    """It is an alert that is over. An alert after it shows that Alertmanager has handled it."""
    to = sink(up.url)
    assert isinstance(await to.test(), Sent)
    await send(to, about(opened_at=CLOCK.now()))
    eventually("a notification", lambda: len(receiver.got) > 0)
    assert all("leadline_test" not in str(each) for each in receiver.got)
    await to.close()


async def test_hostile_names(up: Alertmanager) -> None:
    """Alertmanager takes alerts with any name that a server may hold."""
    to = sink(up.url)
    for count, name in enumerate(made.HOSTILE, 1):
        await send(to, made.notification(incident=made.hostile(name)))
        assert len(up.alerts()) == count
    await to.close()


def severities(receiver: Hook) -> list[list[str]]:
    """Of the alerts that fire, by notification."""
    return [[a["labels"]["severity"] for a in each["alerts"] if a["status"] == "firing"] for each in receiver.got]
