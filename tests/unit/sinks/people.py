"""People who are notified at every kind of target, behind the receiver's vendors, which enforce their limits."""

import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import httpx

from leadline.clock import ManualClock
from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.settings.secret import Secret
from leadline.settings.sink import PagerDutySettings, SinkSettings, SlackSettings
from leadline.settings.targets import ConsoleSettings, TargetSettings, WebhookSettings
from leadline_lab.receiver.app import VENDORS
from leadline_lab.receiver.exchange import Event, Request
from leadline_lab.receiver.pagerduty import Alert, alerts
from leadline_sinks.console import ConsoleSink
from leadline_sinks.http import Http
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.notifier import Notifier
from leadline_sinks.notify.sink import Sink
from leadline_sinks.pagerduty.event import dedup_key
from leadline_sinks.pagerduty.sink import PagerDutySink
from leadline_sinks.slack.blocks import Message
from leadline_sinks.slack.sink import SlackSink
from leadline_sinks.webhook import WebhookSink
from tests.unit.sinks.slack.shown import texts
from tests.unit.streams.fleet import Fleet
from tests.unit.streams.world import at

BASE = "https://vendor.example"
BOT = SlackSettings(token=Secret("xoxb-1"), channel="#dba", api_url=f"{BASE}/api")
LINE = SlackSettings(webhook_url=Secret(f"{BASE}/services/T0/B0/x"))
"""An incoming webhook, which cannot edit."""
SETTINGS = SinkSettings(
    slack=BOT,
    pagerduty=PagerDutySettings(routing_key=Secret("a" * 32), url=BASE),
    webhook=WebhookSettings(url=Secret(f"{BASE}/hook"), signing_key=Secret("key")),
    console=ConsoleSettings(enabled=True),
    targets={"line": TargetSettings(slack=LINE)},
)
Kept = Transition | Incident | Delivery


class People:
    """The targets, a notifier for each, and everything that the incident log would be given, in order."""

    def __init__(self, start: datetime) -> None:
        self.clock = ManualClock(start)
        self.events: list[Event] = []
        self.problems: list[str] = []
        self.kept: list[Kept] = []
        self.newest: dict[str, Incident] = {}
        self.printed = io.StringIO()
        http = Http(self.clock, httpx.MockTransport(self._vendor))
        hook, notify = SETTINGS.webhook, SETTINGS.notify
        sinks: dict[str, Sink] = {
            "slack": SlackSink(BOT, notify, http, self.clock),
            "line": SlackSink(LINE, notify, http, self.clock),
            "pagerduty": PagerDutySink(SETTINGS.pagerduty, notify, http, self.clock),
            "webhook": WebhookSink(hook, notify, http, self.clock),
            "console": ConsoleSink(notify, self.clock, self.printed),
        }
        self._context = NotificationContext(sinks)
        self._notifiers = [
            Notifier(name, sink, SETTINGS, self._context, self._write, self.clock, lambda: 0.5)
            for name, sink in sinks.items()
        ]

    async def follow(self, fleet: Fleet, seconds: int, **faults: Any) -> None:
        """Let a fleet run, and tell people in time of what is judged."""
        for _ in range(seconds):
            count = len(fleet.outputs)
            fleet.run(1, **faults)
            await self.receive(fleet.outputs[count:], at(fleet.time))

    async def receive(self, outputs: Iterable[Any], until: datetime) -> None:
        """Take records of the topics, and work until a time."""
        for output in outputs:
            if isinstance(output, Transition | Incident):
                self.kept.append(output)
            if isinstance(output, Incident):
                self.newest[output.incident_id] = output
                for notifier in self._notifiers:
                    notifier.observe(output, 0, len(self.kept))
        left_s = 1.0
        while left_s > 0:
            wait_s = min([await notifier.step() for notifier in self._notifiers])
            left_s = (until - self.clock.now()).total_seconds()
            self.clock.advance(max(0.0, min(left_s, max(0.001, wait_s))))

    def silence(self, until: datetime) -> None:
        """Hold everything back that a silence holds back."""
        now = self.clock.now()
        quiet = Silence(silence_id="s", matchers={"cluster": "*"}, starts_at=now, ends_at=until, created_by="ada")
        self._context.add_silence("s", quiet)

    async def _write(self, value: Delivery | Incident, home: int | None = None) -> int:
        assert isinstance(value, Delivery), "no target fails"
        self.kept.append(value)
        return len(self.kept)

    def _vendor(self, request: httpx.Request) -> httpx.Response:
        answer = next(answer for path, (_, answer) in VENDORS.items() if request.url.path.startswith(path))
        given = Request(request.url.path, dict(request.headers), request.content, self.clock.now())
        reply, events = answer(given, self.events)
        self.events += events
        if reply.problem:
            self.problems.append(reply.problem)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)

    # What they read

    def check(self) -> None:
        """No vendor refuses anything, and each shows what is open and no more."""
        assert self.problems == []
        of = {
            dedup_key(one.incident_id, generation): one
            for one in self.newest.values()
            for generation in range(1, one.generation + 1)
        }
        rings = {of[alert.key].incident_id for alert in self.alerts if alert.state != "resolved"}
        assert rings == {ident for ident, one in self.newest.items() if one.state == "open"}
        over = {ident for ident, text in self.shown.items() if "RESOLVED" in text or "MERGED" in text}
        assert self.shown.keys() - over == rings

    @property
    def shown(self) -> dict[str, str]:
        """Each message of the bot as it is now, by its incident."""
        shown: dict[str, str] = {}
        for each in self._slack("post", "update"):
            if each.payload["channel"] != "webhook":
                ident = each.payload["metadata"]["event_payload"]["incident_id"]
                shown[ident] = _text(each)
        return shown

    @property
    def newest_post(self) -> str:
        """The last message that came by Slack's webhook."""
        return [_text(each) for each in self._slack("post") if each.payload["channel"] == "webhook"][-1]

    @property
    def alerts(self) -> list[Alert]:
        """In PagerDuty."""
        return alerts(self.events)

    @property
    def posts(self) -> list[str]:
        """The first clause of each message in the channel of Slack's webhook, which cannot edit."""
        return [_clause(each.payload["text"]) for each in self._slack("post") if each.payload["channel"] == "webhook"]

    @property
    def channel(self) -> list[str]:
        """The messages, editions and replies of the bot: the first clause of each, all lines of a reply."""
        return [
            f"{each.kind}: {each.payload['text'] if each.kind == 'reply' else _clause(each.payload['text'])}"
            for each in self._slack("post", "update", "reply")
            if each.payload["channel"] != "webhook"
        ]

    @property
    def pages(self) -> list[tuple[str, str]]:
        """Each event of an alert in PagerDuty, with its key."""
        kinds = ("trigger", "acknowledge", "resolve")
        return [(each.kind, each.key) for each in self.events if each.vendor == "pagerduty" and each.kind in kinds]

    @property
    def hooks(self) -> list[tuple[str, str]]:
        """The occasion of each event that the webhook was sent, and its incident."""
        return [(each.kind, each.key) for each in self.events if each.vendor == "webhook"]

    def _slack(self, *kinds: str) -> list[Event]:
        return [each for each in self.events if each.vendor == "slack" and each.kind in kinds]


def _text(message: Event) -> str:
    given = Message(message.payload["text"], tuple(message.payload.get("blocks", ())))
    return "\n".join([given.text, *texts(given)])


def _clause(text: str) -> str:
    return text.partition(";")[0]
