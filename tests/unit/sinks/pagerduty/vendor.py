"""The receiver's PagerDuty behind a transport, so that every event is checked against its schema and limits."""

import httpx

from leadline.clock import ManualClock
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.targets import PagerDutySettings
from leadline.wire import encode
from leadline_lab.receiver.exchange import Event, Request
from leadline_lab.receiver.pagerduty import Alert, alerts, answer, by_hand
from leadline_sinks.http import Http
from leadline_sinks.pagerduty.sink import PagerDutySink
from tests.unit.sinks import made

KEY = "k3y0123456789abcdef0123456789abc"
URL = "https://events.example.com"


class PagerDuty:
    """Keeps the events that it accepted, and rejects what PagerDuty would reject."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.problems: list[str] = []
        self.clock = ManualClock(made.START)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        given = Request(request.url.path, dict(request.headers), request.content, self.clock.now())
        self.clock.advance(0.1)
        reply, events = answer(given, self.events)
        self.events += events
        if reply.problem:
            self.problems.append(reply.problem)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)

    def by_hand(self, key: str, action: str) -> None:
        """Acknowledge or resolve an alert in PagerDuty itself."""
        reply, events = by_hand(encode({"key": key, "action": action}), self.clock.now(), self.events)
        assert reply.status == 200
        self.events += events

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    @property
    def alerts(self) -> list[Alert]:
        return alerts(self.events)


def sink(http: Http, clock: ManualClock, key: str = KEY) -> PagerDutySink:
    return PagerDutySink(PagerDutySettings(routing_key=Secret(key), url=URL), NotifySettings(), http, clock)


def over(vendor: PagerDuty, key: str = KEY) -> PagerDutySink:
    """A sink that sends to it."""
    return sink(Http(vendor.clock, httpx.MockTransport(vendor)), vendor.clock, key)
