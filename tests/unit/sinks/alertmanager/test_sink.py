"""Alertmanager: alerts as its API takes them, and what keeps them there. With a real one: tests/integration/sinks."""

import base64
import re
from datetime import datetime
from typing import Any

import httpx
import orjson
import pytest

from leadline.clock import ManualClock
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline_sinks.alertmanager.alert import labels
from leadline_sinks.alertmanager.sink import AlertmanagerSink
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, NothingNew, Reason, Sent, Sink
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Conformance

PASSWORD, TOKEN = "password-that-is-secret", "token-that-is-secret"
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def taken(request: httpx.Request) -> httpx.Response:
    """Alertmanager's answer: 400 for what its OpenAPI document and its validation do not allow."""
    for alert in orjson.loads(request.content):
        given = alert["labels"]
        starts, ends = (datetime.fromisoformat(alert[name]) for name in ("startsAt", "endsAt"))
        if not given or not all(_NAME.fullmatch(name) and value for name, value in given.items()) or ends <= starts:
            return httpx.Response(400, json="bad alert")
        assert set(alert) <= {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
    return httpx.Response(200)


def sink(http: Http, clock: ManualClock, **given: Any) -> AlertmanagerSink:
    return AlertmanagerSink(AlertmanagerSettings(urls=["http://am.example/"], **given), NotifySettings(), http, clock)


class TestAlertmanager(Conformance):
    """Against its rules."""

    secrets = (PASSWORD, base64.b64encode(f"leadline:{PASSWORD}".encode()).decode())

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        return sink(http, clock, username="leadline", password=Secret(PASSWORD))

    def fine(self, request: httpx.Request) -> httpx.Response:
        assert request.url == "http://am.example/api/v2/alerts"
        return taken(request)

    def begins(self, request: httpx.Request) -> bool:
        """Never: the same alert is the same alert."""
        return False


async def deliver(notification: Any, receipt: Any = (), **given: Any) -> tuple[Any, list[dict[str, Any]]]:
    """The outcome, and the alerts of the request."""
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.extend(orjson.loads(request.content))
        return taken(request)

    clock = ManualClock(made.START)
    to = sink(Http(clock, httpx.MockTransport(answer)), clock, **given)
    return await to.deliver(made.with_receipt(notification, dict(receipt))), sent


async def test_another_severity_is_another_alert() -> None:
    """The one before ends in the same request: otherwise it would stay until it expires."""
    first, _ = await deliver(made.notification(incident=made.incident(severity="warning")))
    _, (new, old) = await deliver(made.notification("escalated"), first.receipt)
    assert (new["labels"]["severity"], old["labels"]["severity"]) == ("critical", "warning")
    assert datetime.fromisoformat(old["endsAt"]) == made.START
    assert datetime.fromisoformat(new["endsAt"]) == made.later(3600)


async def test_a_silence_changes_no_label() -> None:
    """The alert is kept as it was: with the new severity Alertmanager would notify people."""
    first, _ = await deliver(made.notification(incident=made.incident(severity="warning")))
    worse = made.incident(2, silenced_by="sil_1")
    kept, (alert,) = await deliver(made.notification("kept_open", incident=worse), first.receipt)
    assert isinstance(kept, Sent)
    assert alert["labels"]["severity"] == "warning"
    assert kept.receipt == first.receipt


async def test_an_incident_that_is_over_and_can_return() -> None:
    """It is no alert again."""
    first, _ = await deliver(made.notification("resolved"))
    outcome, sent = await deliver(made.notification("recurrence"), first.receipt)
    assert isinstance(outcome, NothingNew)
    assert sent == []


def test_names_of_labels() -> None:
    """Those of nodes cannot replace our own; characters that are not allowed are changed."""
    about = made.incident(labels={"app.kubernetes.io/name": "pg", "1st": "x", "severity": "none", "": "y", "é": "z"})
    found = labels(about)
    assert found["app_kubernetes_io_name"] == "pg"
    assert found["_1st"] == "x"
    assert found["severity"] == "critical"
    assert all(_NAME.fullmatch(name) for name in found)


async def test_a_token() -> None:
    """It is a bearer token, and in no outcome."""
    clock = ManualClock(made.START)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        return httpx.Response(400, json=f"bad alert, and {TOKEN}")

    to = sink(Http(clock, httpx.MockTransport(answer)), clock, token=Secret(TOKEN))
    outcome = await to.deliver(made.notification())
    assert outcome == GiveUp(Reason.REJECTED, "400: bad alert, and ***")


@pytest.mark.parametrize("receipt", [{"labels": "[1]"}, {"labels": '{"a": 1}'}, {"labels": "{"}])
async def test_a_receipt_that_makes_no_sense(receipt: dict[str, str]) -> None:
    """It is as none."""
    outcome, sent = await deliver(made.notification("updated"), receipt)
    assert isinstance(outcome, Sent)
    assert len(sent) == 1
