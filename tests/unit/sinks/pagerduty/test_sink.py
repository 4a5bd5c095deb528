"""PagerDuty's sink: one alert per incident, told again only when something that matters became different."""

import logging
from pathlib import Path
from typing import Any

import httpx
import msgspec
import orjson
import pytest

from leadline.clock import ManualClock
from leadline.settings.secret import Secret
from leadline.settings.sink import NotifySettings, PagerDutySettings
from leadline_lab.receiver.exchange import Request
from leadline_lab.receiver.pagerduty import alerts, answer
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, Notice, Reason, Retry, Sent, Sink
from leadline_sinks.pagerduty.sink import PagerDutySink
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Conformance, Vendor
from tests.unit.sinks.pagerduty.vendor import KEY, URL, PagerDuty, over, sink


class TestPagerDuty(Conformance):
    """Against the local stand-in, which takes only what PagerDuty would."""

    secrets = (KEY, URL)

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        return sink(http, clock)

    def fine(self, request: httpx.Request) -> httpx.Response:
        return PagerDuty()(request)

    def begun(self, vendor: Vendor) -> int:
        """Alerts that were opened: telling the same key again opens none."""
        taken: list[Any] = []
        for request in vendor.taken:
            taken += answer(Request(request.url.path, {}, request.content, made.START), taken)[1]
        return len(alerts(taken))


async def tell(pagerduty: PagerDuty, *notices: Notice, receipt: Any = None) -> Any:
    """Tell one after another, each with the receipt of the one before; the last outcome."""
    outcome: Any = Sent(receipt or {})
    for notice in notices:
        outcome = await over(pagerduty).deliver(again_with(notice, outcome.receipt))
        assert isinstance(outcome, Sent), outcome
    return outcome


def again_with(notice: Notice, receipt: Any) -> Notice:
    return Notice(notice.incident, notice.occasion, notice.news, notice.changes, notice.actions, receipt)


async def test_a_life() -> None:
    """Opened, worse, taken and over: one alert; notes and reminders say nothing."""
    pagerduty = PagerDuty()
    await tell(pagerduty, *made.life())
    assert pagerduty.kinds == ["trigger", "change", "trigger", "trigger", "acknowledge", "resolve"]
    (alert,) = pagerduty.alerts
    assert alert.state == "resolved"
    assert not pagerduty.problems


async def test_what_does_not_matter_is_not_told() -> None:
    """New evidence, numbers and lines of the timeline ask nothing of PagerDuty; the receipt stays."""
    pagerduty = PagerDuty()
    first = await tell(pagerduty, made.notice("opened"))
    cause = made.cause(confidence=0.5, summary="another number", evidence_for=[])
    more = await tell(
        pagerduty, made.notice("updated", incident=made.incident(2, causes=[cause])), receipt=first.receipt
    )
    assert pagerduty.kinds == ["trigger"]
    assert more.receipt == first.receipt


@pytest.mark.parametrize(
    "changed",
    [{"severity": "warning"}, {"title": "another"}, {"causes": [made.cause("primary_down")]}],
    ids=lambda changed: next(iter(changed)),
)
async def test_what_matters_is_told_again(changed: dict[str, Any]) -> None:
    """Another severity, title or first cause is told under the same key."""
    pagerduty = PagerDuty()
    await tell(pagerduty, made.notice("opened"), made.notice("updated", incident=made.incident(2, **changed)))
    assert pagerduty.kinds == ["trigger", "trigger"]
    assert len(pagerduty.alerts) == 1


async def test_the_end_is_told_once() -> None:
    """Also when it is not known whether PagerDuty has the beginning; it pages nobody."""
    pagerduty = PagerDuty()
    await tell(pagerduty, made.notice("resolved"), made.notice("resolved"))
    assert pagerduty.kinds == ["resolve"]
    assert pagerduty.alerts == []


async def test_a_trigger_without_an_answer_is_resolved_in_the_end() -> None:
    """It may have paged: if the incident ends before the next try, or the sink is killed, the alert must end too."""
    clock = ManualClock(made.START)
    pagerduty = PagerDuty()
    vendor = Vendor(pagerduty)
    vendor.script = {0: httpx.ReadTimeout}
    tested = sink(Http(clock, vendor), clock)
    lost = await tested.deliver(made.notice("opened"))
    assert isinstance(lost, Retry)
    assert isinstance(await tested.deliver(made.notice("resolved")), Sent)
    assert [alert.state for alert in pagerduty.alerts] == ["resolved"]


async def test_taken_before_it_was_told() -> None:
    """Who hears of it last sees that somebody has it."""
    pagerduty = PagerDuty()
    await tell(pagerduty, made.notice("acknowledged", incident=made.incident(3, acknowledged_by="ada")))
    assert pagerduty.kinds == ["trigger", "acknowledge"]


async def test_worse_after_it_was_taken_stays_taken() -> None:
    """It is told again, and not acknowledged again."""
    pagerduty = PagerDuty()
    taken = made.incident(2, severity="warning", acknowledged_by="ada")
    worse = made.incident(3, acknowledged_by="ada")
    again = made.notice("repeated", incident=worse)
    await tell(pagerduty, made.notice("acknowledged", incident=taken), made.notice("escalated", incident=worse), again)
    assert pagerduty.kinds == ["trigger", "acknowledge", "trigger"]
    assert [alert.state for alert in pagerduty.alerts] == ["acknowledged"]


def changing(pagerduty: PagerDuty, *answers: Any) -> tuple[PagerDutySink, list[httpx.Request]]:
    """A sink whose change events are answered so; alerts are taken."""
    told = list(answers)
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if "/change/" not in request.url.path:
            return pagerduty(request)
        requests.append(request)
        given = told.pop(0) if told else 202
        if isinstance(given, type):
            raise given("", request=request)
        return httpx.Response(given)

    clock = pagerduty.clock
    return sink(Http(clock, httpx.MockTransport(handle)), clock), requests


@pytest.mark.parametrize("fault", [500, 429, httpx.ConnectError, httpx.ReadTimeout])
async def test_a_change_event_holds_nothing_up(fault: Any) -> None:
    """When PagerDuty takes no change events for a while, the page is out, and they go with the next word."""
    pagerduty = PagerDuty()
    tested, requests = changing(pagerduty, fault)
    opened = await tested.deliver(made.notice("opened", incident=made.incident(changes=[made.change()])))
    assert isinstance(opened, Sent)
    assert pagerduty.kinds == ["trigger"]
    later = made.notice("repeated", incident=made.incident(2, changes=[made.change()]), receipt=opened.receipt)
    told = await tested.deliver(later)
    assert isinstance(told, Sent)
    assert isinstance(
        await tested.deliver(made.notice("repeated", incident=later.incident, receipt=told.receipt)), Sent
    )
    assert len(requests) == 2
    assert pagerduty.kinds == ["trigger"]


async def test_a_change_event_that_is_refused_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """It is said in the log, once."""
    pagerduty = PagerDuty()
    tested, requests = changing(pagerduty, 400, 400)
    incident = made.incident(changes=[made.change()])
    with caplog.at_level(logging.WARNING):
        opened = await tested.deliver(made.notice("opened", incident=incident))
        assert isinstance(opened, Sent)
        await tested.deliver(made.notice("updated", incident=incident, receipt=opened.receipt))
    assert len(requests) == 1
    assert len(caplog.records) == 1


async def test_changes_of_one_look_are_one_event() -> None:
    """A reload that changed three settings of a node is one line in PagerDuty; the newest ten looks are told."""
    pagerduty = PagerDuty()
    together = [made.change("a"), made.change("b"), made.change("c")]
    apart = [msgspec.structs.replace(made.change("d"), at=made.later(second)) for second in range(20)]
    await tell(pagerduty, made.notice("opened", incident=made.incident(changes=[*together])))
    assert pagerduty.kinds == ["trigger", "change"]
    assert list(pagerduty.events[1].payload["payload"]["custom_details"]) == ["a", "b", "c"]
    pagerduty = PagerDuty()
    await tell(pagerduty, made.notice("opened", incident=made.incident(changes=apart)))
    assert pagerduty.kinds == ["trigger"] + ["change"] * 10
    assert pagerduty.events[-1].payload["payload"]["timestamp"] == "2026-04-10T10:00:22.120Z"


async def test_slow_change_events_do_not_hold_up_others() -> None:
    """After ten seconds none is begun; what is left goes with the next word."""
    pagerduty = PagerDuty()

    def slowly(request: httpx.Request) -> httpx.Response:
        pagerduty.clock.advance(5)
        return pagerduty(request)

    tested = sink(Http(pagerduty.clock, httpx.MockTransport(slowly)), pagerduty.clock)
    changes = [msgspec.structs.replace(made.change(), at=made.later(second)) for second in range(5)]
    about = made.incident(changes=changes)
    opened = await tested.deliver(made.notice(incident=about))
    assert isinstance(opened, Sent)
    assert pagerduty.kinds == ["trigger", "change", "change"]
    await tested.deliver(made.notice("repeated", incident=about, receipt=opened.receipt))
    assert pagerduty.kinds == ["trigger"] + ["change"] * 4


async def test_keys_of_rulesets_take_no_change_events() -> None:
    """None is sent, and the test of the target is made another way."""
    pagerduty = PagerDuty()
    tested = over(pagerduty, "R" + KEY[1:])
    assert isinstance(await tested.deliver(made.notice(incident=made.incident(changes=[made.change()]))), Sent)
    assert isinstance(await tested.test(), Sent)
    assert pagerduty.kinds == ["trigger", "resolve"]
    assert pagerduty.problems == []


def answering(*answers: httpx.Response) -> tuple[PagerDutySink, list[httpx.Request]]:
    """A sink that gets these answers."""
    clock = ManualClock(made.START)
    told = list(answers)
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return told.pop(0)

    return sink(Http(clock, httpx.MockTransport(handle)), clock), requests


async def test_refused_and_taken_when_shorter() -> None:
    """An event that PagerDuty will not have is tried once more in its shortest form."""
    tested, requests = answering(httpx.Response(400, json={"message": "Event object is invalid"}), httpx.Response(202))
    assert isinstance(await tested.deliver(made.notice()), Sent)
    whole, short = (orjson.loads(request.content) for request in requests)
    assert short["dedup_key"] == whole["dedup_key"]
    assert "custom_details" not in short["payload"]
    assert "links" not in short


async def test_refused_twice_is_given_up() -> None:
    """With PagerDuty's own words."""
    refusal = {"status": "invalid event", "message": "Event object is invalid", "errors": ["'summary' is odd"]}
    tested, requests = answering(httpx.Response(400, json=refusal), httpx.Response(400, json=refusal))
    assert await tested.deliver(made.notice()) == GiveUp(
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
async def test_a_wrong_routing_key_needs_somebody(error: str) -> None:
    """It is no fault of the event: it waits for the right key, which is not shown."""
    tested, _ = answering(httpx.Response(400, json={"message": "Event object is invalid", "errors": [error]}))
    outcome = await tested.deliver(made.notice())
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.UNAUTHORIZED
    assert KEY not in outcome.detail


async def test_a_hostile_answer_is_shown_on_one_line() -> None:
    """What PagerDuty, or who sits in between, says is foreign text."""
    words = "\x1b[2J\r\nforged" + "x" * 5000
    tested, _ = answering(*[httpx.Response(400, json={"message": words, "errors": words})] * 2)
    outcome = await tested.deliver(made.notice())
    assert isinstance(outcome, GiveUp)
    assert outcome.detail.isprintable()
    assert len(outcome.detail) < 400


async def test_a_key_that_cannot_be_read(tmp_path: Path) -> None:
    """It waits for the file, and says which."""
    settings = PagerDutySettings(routing_key=Secret.in_file(tmp_path / "gone"), url=URL)
    clock = ManualClock(made.START)
    tested = PagerDutySink(settings, NotifySettings(), Http(clock, httpx.MockTransport(PagerDuty())), clock)
    for outcome in (await tested.deliver(made.notice()), await tested.test()):
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.UNAUTHORIZED
        assert "gone" in outcome.detail
