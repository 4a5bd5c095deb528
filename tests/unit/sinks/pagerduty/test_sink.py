"""The PagerDuty sink: one alert per incident, with a new event only after a relevant change."""

import logging
from pathlib import Path
from typing import Any

import httpx
import msgspec
import orjson
import pytest

from leadline.clock import ManualClock
from leadline.model.ids import IncidentId
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.targets import PagerDutySettings
from leadline_lab.receiver.exchange import Request
from leadline_lab.receiver.pagerduty import alerts, answer
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, NothingNew, Notification, Reason, Retry, Sent, Sink
from leadline_sinks.pagerduty.sink import PagerDutySink
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Conformance, Vendor
from tests.unit.sinks.pagerduty.vendor import KEY, URL, PagerDuty, over, sink


class TestPagerDuty(Conformance):
    """Against the receiver, which accepts only what PagerDuty would."""

    secrets = (KEY, URL)

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        return sink(http, clock)

    def fine(self, request: httpx.Request) -> httpx.Response:
        return PagerDuty()(request)

    def begun(self, vendor: Vendor) -> int:
        """Alerts that were opened. A second trigger under the same key opens none."""
        accepted: list[Any] = []
        for request in vendor.taken:
            accepted += answer(Request(request.url.path, {}, request.content, made.START), accepted)[1]
        return len(alerts(accepted))


async def deliver(pagerduty: PagerDuty, *notifications: Notification, receipt: Any = None) -> Any:
    """Deliver notifications in order, each with the receipt of the previous one; the last outcome."""
    outcome: Any = Sent(receipt or {})
    for notification in notifications:
        outcome = await over(pagerduty).deliver(made.with_receipt(notification, outcome.receipt))
        assert isinstance(outcome, Sent | NothingNew), outcome
    return outcome


async def test_a_lifecycle() -> None:
    """Opened, escalated, acknowledged and resolved: one alert. Notes and reminders send no event."""
    pagerduty = PagerDuty()
    await deliver(pagerduty, *made.life())
    assert pagerduty.kinds == ["trigger", "change", "trigger", "trigger", "acknowledge", "resolve", "change"]
    (alert,) = pagerduty.alerts
    assert alert.state == "resolved"
    assert not pagerduty.problems


async def test_an_irrelevant_change_sends_nothing() -> None:
    """New evidence, numbers and timeline entries send no event; the receipt is unchanged."""
    pagerduty = PagerDuty()
    first = await deliver(pagerduty, made.notification("opened"))
    assert isinstance(first, Sent)
    cause = made.cause(confidence=0.5, summary="another number", evidence_for=[])
    more = await deliver(
        pagerduty, made.notification("updated", incident=made.incident(2, causes=[cause])), receipt=first.receipt
    )
    assert pagerduty.kinds == ["trigger"]
    assert more == NothingNew(first.receipt)


@pytest.mark.parametrize(
    "changed",
    [{"severity": "warning"}, {"title": "another"}, {"causes": [made.cause("primary_down")]}],
    ids=lambda changed: next(iter(changed)),
)
async def test_a_relevant_change_sends_a_trigger(changed: dict[str, Any]) -> None:
    """Another severity, title or first cause is sent under the same key."""
    pagerduty = PagerDuty()
    await deliver(
        pagerduty, made.notification("opened"), made.notification("updated", incident=made.incident(2, **changed))
    )
    assert pagerduty.kinds == ["trigger", "trigger"]
    assert len(pagerduty.alerts) == 1


async def test_the_resolution_is_sent_once() -> None:
    """It is sent even where no trigger is on record, and pages nobody."""
    pagerduty = PagerDuty()
    await deliver(pagerduty, made.notification("resolved"), made.notification("resolved"))
    assert pagerduty.kinds == ["resolve"]
    assert pagerduty.alerts == []


async def test_a_trigger_without_an_answer_is_resolved() -> None:
    """The trigger may have opened an alert, which must end with the incident even if it is never sent again."""
    clock = ManualClock(made.START)
    pagerduty = PagerDuty()
    vendor = Vendor(pagerduty)
    vendor.script = {0: httpx.ReadTimeout}
    tested = sink(Http(clock, vendor), clock)
    lost = await tested.deliver(made.notification("opened"))
    assert isinstance(lost, Retry)
    assert isinstance(await tested.deliver(made.notification("resolved")), Sent)
    assert [alert.state for alert in pagerduty.alerts] == ["resolved"]


async def test_an_acknowledgement_before_the_first_notification() -> None:
    """The alert is opened and acknowledged."""
    pagerduty = PagerDuty()
    await deliver(pagerduty, made.notification("acknowledged", incident=made.incident(3, acknowledged_by="ada")))
    assert pagerduty.kinds == ["trigger", "acknowledge"]


async def test_an_escalation_keeps_the_acknowledgement() -> None:
    """A trigger is sent, and no second acknowledgement."""
    pagerduty = PagerDuty()
    taken = made.incident(2, severity="warning", acknowledged_by="ada")
    worse = made.incident(3, acknowledged_by="ada")
    again = made.notification("repeated", incident=worse)
    await deliver(
        pagerduty,
        made.notification("acknowledged", incident=taken),
        made.notification("escalated", incident=worse),
        again,
    )
    assert pagerduty.kinds == ["trigger", "acknowledge", "trigger"]
    assert [alert.state for alert in pagerduty.alerts] == ["acknowledged"]


WORSE = made.incident(5, generation=2, severity="critical")


def again(occasion: Any = "escalated", **changes: Any) -> Notification:
    """A notification under the second generation."""
    return made.notification(occasion, **{"incident": WORSE, "rang": (1, 2)} | changes)


async def test_an_acknowledged_alert_is_left_and_another_is_opened() -> None:
    """PagerDuty would append to the acknowledged one and notify nobody. At the end both are resolved."""
    pagerduty = PagerDuty()
    taken = made.incident(2, severity="warning", acknowledged_by="ada")
    first = await deliver(pagerduty, made.notification("acknowledged", incident=taken))
    second = await deliver(pagerduty, again(lapsed_by="ada"), receipt=first.receipt)
    ident = WORSE.incident_id
    assert [(alert.key, alert.state) for alert in pagerduty.alerts] == [
        (ident, "acknowledged"),
        (f"{ident}#2", "triggered"),
    ]
    details = pagerduty.events[-1].payload["payload"]["custom_details"]
    assert (details["earlier alerts"], details["acknowledged before by"]) == (ident, "ada")
    assert second.receipt["dedup_key"] == f"{ident}#2"
    third = await deliver(
        pagerduty, again("acknowledged", incident=made.incident(6, acknowledged_by="eve")), receipt=second.receipt
    )
    await deliver(pagerduty, again("resolved", incident=made.resolved()), receipt=third.receipt)
    assert [alert.state for alert in pagerduty.alerts] == ["resolved", "resolved"]
    assert pagerduty.kinds == ["trigger", "acknowledge", "trigger", "acknowledge", "resolve", "resolve"]


async def test_the_second_resolution_fails() -> None:
    """The first is not sent again."""
    pagerduty = PagerDuty()
    first = await deliver(pagerduty, made.notification("opened"), again())
    vendor = Vendor(pagerduty)
    vendor.script = {1: (503, {})}
    over = again("resolved", incident=made.resolved())
    clock = ManualClock(made.START)
    failed = await sink(Http(clock, vendor), clock).deliver(made.with_receipt(over, first.receipt))
    assert isinstance(failed, Retry)
    assert failed.receipt is not None
    await deliver(pagerduty, over, receipt=failed.receipt)
    assert pagerduty.kinds == ["trigger", "trigger", "resolve", "resolve"]
    assert [alert.state for alert in pagerduty.alerts] == ["resolved", "resolved"]


async def test_a_problem_that_returned() -> None:
    """Another alert is opened; at its end only that one is resolved."""
    pagerduty = PagerDuty()
    over = await deliver(pagerduty, made.notification("opened"), made.notification("resolved"))
    back = made.incident(11, generation=2, reopened=[made.later(420)], timeline=made.resolved().timeline)
    opened = await deliver(pagerduty, again("reopened", incident=back, rang=(2,)), receipt=over.receipt)
    assert "; returned after 2 min; since 10:00 UTC; " in pagerduty.events[-1].payload["payload"]["summary"]
    await deliver(pagerduty, again("resolved", incident=made.resolved(12), rang=(2,)), receipt=opened.receipt)
    assert pagerduty.kinds == ["trigger", "resolve", "trigger", "resolve"]
    assert [alert.state for alert in pagerduty.alerts] == ["resolved", "resolved"]


@pytest.mark.parametrize("state", ["triggered", "acknowledged"])
async def test_an_alert_that_was_resolved_by_hand(state: str) -> None:
    """It is opened again; one that is open still is not changed."""
    pagerduty = PagerDuty()
    about = made.incident(acknowledged_by="ada" if state == "acknowledged" else None)
    opened = await deliver(pagerduty, made.notification(incident=about))
    kept = await deliver(pagerduty, made.notification("kept_open", incident=about), receipt=opened.receipt)
    assert isinstance(kept, Sent)
    assert [alert.state for alert in pagerduty.alerts] == [state]
    pagerduty.by_hand(about.incident_id, "resolve")
    await deliver(pagerduty, made.notification("kept_open", incident=about), receipt=kept.receipt)
    assert [alert.state for alert in pagerduty.alerts] == ["resolved", "triggered"]


async def test_the_end_says_how_it_ended() -> None:
    """The resolution has the title, the duration, what ended the problem, and the cause."""
    pagerduty = PagerDuty()
    over = made.resolved(why="the session of pid 4711 has ended")
    await deliver(pagerduty, made.notification(), made.notification("resolved", incident=over))
    assert pagerduty.events[-1].payload["payload"]["summary"] == (
        f"{over.title}; resolved after 5 min: the session of pid 4711 has ended; {made.cause().summary}"
    )
    older = IncidentId("inc_orders_20260410T095900Z_0001")
    await deliver(pagerduty, made.notification("merged", incident=made.resolved(merged_into=older)))
    summary = pagerduty.events[-1].payload["payload"]["summary"]
    assert f"merged after 5 min into {older}, since both are one problem" in summary


def changing(pagerduty: PagerDuty, *answers: Any) -> tuple[PagerDutySink, list[httpx.Request]]:
    """A sink whose change events get these answers; other events are accepted."""
    script = list(answers)
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if "/change/" not in request.url.path:
            return pagerduty(request)
        requests.append(request)
        given = script.pop(0) if script else 202
        if isinstance(given, type):
            raise given("", request=request)
        return httpx.Response(given)

    clock = pagerduty.clock
    return sink(Http(clock, httpx.MockTransport(handle)), clock), requests


@pytest.mark.parametrize("fault", [500, 429, httpx.ConnectError, httpx.ReadTimeout])
async def test_a_failed_change_event_does_not_fail_the_delivery(fault: Any) -> None:
    """The alert is opened, and the change event is sent with the next notification."""
    pagerduty = PagerDuty()
    tested, requests = changing(pagerduty, fault)
    opened = await tested.deliver(made.notification("opened", incident=made.incident(changes=[made.change()])))
    assert isinstance(opened, Sent)
    assert pagerduty.kinds == ["trigger"]
    later = made.notification("repeated", incident=made.incident(2, changes=[made.change()]), receipt=opened.receipt)
    second = await tested.deliver(later)
    assert isinstance(second, Sent)
    third = await tested.deliver(made.notification("repeated", incident=later.incident, receipt=second.receipt))
    assert isinstance(third, NothingNew)
    assert len(requests) == 2
    assert pagerduty.kinds == ["trigger"]


async def test_a_rejected_change_event_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    """The process log has one message about it."""
    pagerduty = PagerDuty()
    tested, requests = changing(pagerduty, 400, 400)
    incident = made.incident(changes=[made.change()])
    with caplog.at_level(logging.WARNING):
        opened = await tested.deliver(made.notification("opened", incident=incident))
        assert isinstance(opened, Sent)
        await tested.deliver(made.notification("updated", incident=incident, receipt=opened.receipt))
    assert len(requests) == 1
    assert len(caplog.records) == 1


async def test_changes_of_one_look_are_one_event() -> None:
    """A reload that changed three settings of a node is one change event; the newest ten looks are sent."""
    pagerduty = PagerDuty()
    together = [made.change("a"), made.change("b"), made.change("c")]
    apart = [msgspec.structs.replace(made.change("d"), at=made.later(second)) for second in range(20)]
    await deliver(pagerduty, made.notification("opened", incident=made.incident(changes=[*together])))
    assert pagerduty.kinds == ["trigger", "change"]
    assert list(pagerduty.events[1].payload["payload"]["custom_details"]) == ["a", "b", "c"]
    pagerduty = PagerDuty()
    await deliver(pagerduty, made.notification("opened", incident=made.incident(changes=apart)))
    assert pagerduty.kinds == ["trigger"] + ["change"] * 10
    assert pagerduty.events[-1].payload["payload"]["timestamp"] == "2026-04-10T10:00:22.120Z"


async def test_slow_change_events_do_not_delay_others() -> None:
    """After ten seconds none is begun; the others are sent with the next notification."""
    pagerduty = PagerDuty()

    def slowly(request: httpx.Request) -> httpx.Response:
        pagerduty.clock.advance(5)
        return pagerduty(request)

    tested = sink(Http(pagerduty.clock, httpx.MockTransport(slowly)), pagerduty.clock)
    changes = [msgspec.structs.replace(made.change(), at=made.later(second)) for second in range(5)]
    about = made.incident(changes=changes)
    opened = await tested.deliver(made.notification(incident=about))
    assert isinstance(opened, Sent)
    assert pagerduty.kinds == ["trigger", "change", "change"]
    await tested.deliver(made.notification("repeated", incident=about, receipt=opened.receipt))
    assert pagerduty.kinds == ["trigger"] + ["change"] * 4


async def test_keys_of_rulesets_accept_no_change_events() -> None:
    """None is sent, and the target is tested with a resolution."""
    pagerduty = PagerDuty()
    tested = over(pagerduty, "R" + KEY[1:])
    assert isinstance(await tested.deliver(made.notification(incident=made.incident(changes=[made.change()]))), Sent)
    assert isinstance(await tested.test(), Sent)
    assert pagerduty.kinds == ["trigger", "resolve"]
    assert pagerduty.problems == []


def answering(*answers: httpx.Response) -> tuple[PagerDutySink, list[httpx.Request]]:
    """A sink that gets these answers."""
    clock = ManualClock(made.START)
    script = list(answers)
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return script.pop(0)

    return sink(Http(clock, httpx.MockTransport(handle)), clock), requests


async def test_a_rejected_event_is_accepted_when_shorter() -> None:
    """An event that PagerDuty rejects is sent once more in its shortest form: elsewhere it was dropped without a word,
    or tried again for ever (elastic/kibana issue 124716, prometheus/alertmanager issue 1840)."""
    tested, requests = answering(httpx.Response(400, json={"message": "Event object is invalid"}), httpx.Response(202))
    assert isinstance(await tested.deliver(made.notification()), Sent)
    whole, short = (orjson.loads(request.content) for request in requests)
    assert short["dedup_key"] == whole["dedup_key"]
    assert "custom_details" not in short["payload"]
    assert "links" not in short


async def test_an_event_that_is_rejected_twice_is_given_up() -> None:
    """The detail is PagerDuty's message."""
    refusal = {"status": "invalid event", "message": "Event object is invalid", "errors": ["'summary' is odd"]}
    tested, requests = answering(httpx.Response(400, json=refusal), httpx.Response(400, json=refusal))
    assert await tested.deliver(made.notification()) == GiveUp(
        Reason.REJECTED, "400: Event object is invalid: 'summary' is odd"
    )
    assert len(requests) == 2


@pytest.mark.parametrize(
    "error",
    [
        "Length of 'routing_key' is incorrect (should be 32 characters)",
        "Invalid routing key",
        f"routing key {KEY} is not known",
    ],
)
async def test_a_wrong_routing_key_needs_an_operator(error: str) -> None:
    """The event is retried until the key is right. The key is not shown."""
    tested, _ = answering(httpx.Response(400, json={"message": "Event object is invalid", "errors": [error]}))
    outcome = await tested.deliver(made.notification())
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.UNAUTHORIZED
    assert KEY not in outcome.detail


async def test_another_routing_key_while_an_incident_is_open() -> None:
    """The service of the new key learns of it at the next time it is sent again, and of its end; PagerDuty's keys are
    those of an integration, so the alert under the old one stays for people to resolve."""
    tested, _ = answering(httpx.Response(202))
    first = await tested.deliver(made.notification())
    assert isinstance(first, Sent)
    settings = PagerDutySettings(routing_key=Secret("b" * 32), url=URL)
    requests: list[Any] = []

    def taken(request: httpx.Request) -> httpx.Response:
        requests.append(orjson.loads(request.content))
        return httpx.Response(202)

    clock = ManualClock(made.START)
    to = PagerDutySink(settings, NotifySettings(), Http(clock, httpx.MockTransport(taken)), clock)
    again = await to.deliver(made.with_receipt(made.notification("kept_open"), dict(first.receipt)))
    assert isinstance(again, Sent)
    await to.deliver(made.with_receipt(made.notification("resolved", incident=made.resolved(2)), dict(again.receipt)))
    assert [(each["routing_key"], each["event_action"]) for each in requests] == [
        ("b" * 32, "trigger"),
        ("b" * 32, "resolve"),
    ]


async def test_a_hostile_response_is_shown_on_one_line() -> None:
    """The response, perhaps of a proxy, is foreign text."""
    words = "\x1b[2J\r\nforged" + "x" * 5000
    tested, _ = answering(*[httpx.Response(400, json={"message": words, "errors": words})] * 2)
    outcome = await tested.deliver(made.notification())
    assert isinstance(outcome, GiveUp)
    assert outcome.detail.isprintable()
    assert len(outcome.detail) < 400


async def test_a_key_that_cannot_be_read(tmp_path: Path) -> None:
    """The delivery is retried; the detail names the file."""
    settings = PagerDutySettings(routing_key=Secret.in_file(tmp_path / "gone"), url=URL)
    clock = ManualClock(made.START)
    tested = PagerDutySink(settings, NotifySettings(), Http(clock, httpx.MockTransport(PagerDuty())), clock)
    for outcome in (await tested.deliver(made.notification()), await tested.test()):
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.UNAUTHORIZED
        assert "gone" in outcome.detail


async def test_an_incident_that_can_return_pages_nobody() -> None:
    """A change event has the rule, since when, and the measure; the alert stays resolved."""
    pagerduty = PagerDuty()
    mark = made.resolved(10, recurrences=[made.recurrence()])
    await deliver(
        pagerduty,
        made.notification("opened"),
        made.notification("resolved"),
        made.notification("recurrence", incident=mark, changes=()),
    )
    assert pagerduty.kinds == ["trigger", "resolve", "change"]
    payload = pagerduty.events[-1].payload["payload"]
    assert "can return: PG-SBY-001 is violated again since 2026-04-11 11:00 UTC" in payload["summary"]
    assert payload["custom_details"]["measure"] == mark.recurrences[0].measure
    assert not pagerduty.problems
