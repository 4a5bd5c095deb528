"""Alertmanager: alerts as its API takes them, and what keeps them there. With a real one: tests/integration/sinks."""

import base64
import re
from datetime import datetime
from typing import Any

import httpx
import orjson
import pytest

from leadline.clock import ManualClock
from leadline.model.ids import IncidentId
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.wire import timestamp
from leadline_sinks.alertmanager.alert import labels
from leadline_sinks.alertmanager.sink import AWAY_S, AlertmanagerSink
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, NothingNew, Reason, Retry, Sent, Sink
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


def two(answers: dict[str, Any], clock: ManualClock) -> tuple[AlertmanagerSink, list[str]]:
    """A sink for two instances, by name, and those that it asks."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        found = answers[request.url.host]
        if isinstance(found, int):
            return httpx.Response(found)
        raise found("no", request=request)

    urls = [f"http://{name}:9093" for name in answers]
    http = Http(clock, httpx.MockTransport(answer))
    return AlertmanagerSink(AlertmanagerSettings(urls=urls), NotifySettings(), http, clock), asked


async def test_an_instance_that_is_away_delays_no_alert() -> None:
    """With one of three instances cut off, the queue of Prometheus filled although the others worked, until alerts were
    dropped (prometheus/prometheus issue 7676): it is asked again after a while only, and at once when it is the
    last."""
    clock = ManualClock(made.START)
    answers: dict[str, Any] = {"one": httpx.ConnectTimeout, "two": 200}
    to, asked = two(answers, clock)
    for _ in range(3):
        assert isinstance(await to.deliver(made.notification()), Sent)
    assert asked == ["one", "two", "two", "two"]
    answers.update(one=200, two=503)
    assert isinstance(await to.deliver(made.notification()), Sent)
    assert asked[4:] == ["two", "one"]
    clock.advance(AWAY_S)
    assert isinstance(await to.deliver(made.notification()), Sent)
    assert asked[6:] == ["one", "two"]


@pytest.mark.parametrize(("one", "other"), [(400, 503), (503, 400)])
async def test_an_alert_that_one_may_still_take(one: int, other: int) -> None:
    """A proxy before one instance may reject it; given up, it would be lost for both
    (prometheus/prometheus issue 9057)."""
    to, _ = two({"one": one, "two": other}, ManualClock(made.START))
    outcome = await to.deliver(made.notification())
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.UNAVAILABLE


async def test_an_alert_does_not_end_between_two_sendings() -> None:
    """Its end is at least three sendings away, also while one is missed: with an end of one period, alerts were
    resolved and fired in turn (grafana/grafana pull requests 38648 and 77094, prometheus/prometheus issue 5277)."""
    short = AlertmanagerSettings(urls=["http://am:9093"], resend_s=300.0, expire_s=899.0)
    assert [path for path, _ in short.check()] == [("expire_s",)]
    _, (alert,) = await deliver(made.notification(), resend_s=300.0, expire_s=900.0)
    starts, ends = (datetime.fromisoformat(alert[name]) for name in ("startsAt", "endsAt"))
    assert (ends - made.START).total_seconds() == 900
    assert starts < ends


async def test_the_end_is_after_the_beginning() -> None:
    """One of no duration was over when it began (GDATASoftwareAG/Graylog-Plugin-AlertManager-Callback
    pull request 10); one that begins after its end, by another clock, is refused."""
    _, (alert,) = await deliver(made.notification("resolved", incident=made.resolved(opened_at=made.later(5))))
    starts, ends = (datetime.fromisoformat(alert[name]) for name in ("startsAt", "endsAt"))
    assert starts < ends == made.START


async def test_an_end_that_one_instance_has_missed() -> None:
    """It gets it with the next alert: an alert that goes on for one of two that share their notifications is notified
    of again, although it is over (prometheus/prometheus issue 9057, prometheus/alertmanager issue 3865)."""
    clock = ManualClock(made.START)
    away, got = {"two"}, dict[str, list[Any]](one=[], two=[])

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.host
        if name in away:
            raise httpx.ConnectError("no", request=request)
        got[name].append([(each["labels"]["incident"], each["endsAt"]) for each in orjson.loads(request.content)])
        return taken(request)

    settings = AlertmanagerSettings(urls=["http://one:9093", "http://two:9093"])
    to = AlertmanagerSink(settings, NotifySettings(), Http(clock, httpx.MockTransport(answer)), clock)
    ended, other = made.resolved(2), made.incident(incident_id=IncidentId("inc_other"))
    assert isinstance(await to.deliver(made.notification("resolved", incident=ended)), Sent)
    away.clear()
    clock.advance(AWAY_S)
    assert isinstance(await to.deliver(made.notification(incident=other)), Sent)
    over = (ended.incident_id, timestamp(made.START))
    assert got["one"][0] == [over]
    assert [ident for ident, _ in got["one"][1]] == ["inc_other"]
    assert got["two"][0][1] == over
    assert [ident for ident, _ in got["two"][0]] == ["inc_other", ended.incident_id]
    clock.advance(1)
    assert isinstance(await to.deliver(made.notification(incident=other)), Sent)
    assert [ident for ident, _ in got["two"][1]] == ["inc_other"]


async def test_an_end_that_an_instance_rejects() -> None:
    """It is not sent again with others, which would be rejected with it."""
    to, _ = two({"one": 200, "two": 400}, ManualClock(made.START))
    assert isinstance(await to.deliver(made.notification("resolved")), Sent)
    assert all(not missed for missed in to._missed.values())


async def test_an_end_that_was_missed_and_is_over_no_more() -> None:
    """An incident that returned before the instance was back fires there."""
    clock = ManualClock(made.START)
    to, asked = two({"one": 200, "two": httpx.ConnectError}, clock)
    assert isinstance(await to.deliver(made.notification("resolved")), Sent)
    again = made.notification("reopened", incident=made.incident(3))
    assert isinstance(await to.deliver(again), Sent)
    assert all(not missed for missed in to._missed.values())
    assert asked == ["one", "two", "one"]
