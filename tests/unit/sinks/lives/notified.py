"""All that each sink sends over the life of an incident: real notifiers and sinks, on a clock that records move."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import httpx
import orjson

from leadline.clock import ManualClock
from leadline.model.action import Action
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import ConsoleSettings, PagerDutySettings, SlackSettings, WebhookSettings
from leadline_sinks.console import ConsoleSink
from leadline_sinks.http import Http
from leadline_sinks.incident_log.rows import row
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.notifier import Notifier
from leadline_sinks.notify.sink import Sink, TopicRecord
from leadline_sinks.pagerduty.sink import PagerDutySink
from leadline_sinks.slack.blocks import Message
from leadline_sinks.slack.sink import SlackSink
from leadline_sinks.webhook import WebhookSink
from tests.unit.sinks.pagerduty.vendor import KEY
from tests.unit.sinks.slack.shown import texts

Record = tuple[datetime, Incident]
"""An incident's record and the time at which it was written."""
NOTIFY = NotifySettings()
SLACK = SlackSettings(token=Secret("xoxb-1"), channel="#dba", api_url="https://slack.example/api")
PAGERDUTY = PagerDutySettings(routing_key=Secret(KEY), url="https://events.example.com")
HOOK = WebhookSettings(url=Secret("https://hooks.example/x"), signing_key=Secret("key"))
SETTINGS = SinkSettings(slack=SLACK, pagerduty=PAGERDUTY, webhook=HOOK, console=ConsoleSettings(enabled=True))
ACKNOWLEDGED_S = 40.0
"""From the first record to the acknowledgement."""


class Life:
    """The notifiers of four targets, and what they sent, as text."""

    def __init__(self, begin: datetime) -> None:
        self.clock = ManualClock(begin)
        self.lines: list[str] = []
        self._blocks: list[str] = []
        """Of the message in Slack, as it was last shown."""
        self._printed = StringIO()
        self._offset = 0
        transport = httpx.MockTransport(self._accept)
        sinks: dict[str, Sink] = {
            "slack": SlackSink(SLACK, NOTIFY, Http(self.clock, transport), self.clock),
            "pagerduty": PagerDutySink(PAGERDUTY, NOTIFY, Http(self.clock, transport), self.clock),
            "webhook": WebhookSink(HOOK, NOTIFY, Http(self.clock, transport), self.clock),
            "console": ConsoleSink(NOTIFY, self.clock, self._printed),
        }
        self.context = NotificationContext(sinks)
        self.notifiers = [
            Notifier(name, sink, SETTINGS, self.context, self._write, self.clock) for name, sink in sinks.items()
        ]

    async def run(self, records: Sequence[Record], actions: Sequence[Action]) -> None:
        """Deliver each record when it was written, each action when it was taken, and what becomes due between."""
        happens: list[tuple[datetime, Callable[[], None]]] = [
            *((at, lambda one=one: self._observe(one)) for at, one in records),  # type: ignore[misc]
            *((each.at, lambda each=each: self.context.add_action(each)) for each in actions),  # type: ignore[misc]
        ]
        for at, happen in sorted(happens, key=lambda pair: pair[0]):
            await self._until(at)
            happen()
        await self._until(self.clock.now() + timedelta(seconds=60))

    def _observe(self, incident: Incident) -> None:
        for notifier in self.notifiers:
            notifier.observe(incident, 0, incident.seq)
        what = row(TopicRecord("incidents", "e", 0, incident.seq, incident)).what
        self._say(f"incident log, record {incident.seq}", what)

    async def _until(self, at: datetime) -> None:
        while True:
            wait_s = min([await notifier.step() for notifier in self.notifiers])
            if printed := self._printed.getvalue():
                self._say("console prints", printed.rstrip("\n"))
                self._printed.truncate(0)
                self._printed.seek(0)
            left_s = (at - self.clock.now()).total_seconds()
            if wait_s > 0 and left_s <= 0:
                return
            self.clock.advance(max(0.0, min(wait_s, left_s)))

    async def _write(self, _: Delivery | Incident, home: int | None = None) -> int:
        self._offset += 1
        return self._offset

    def _accept(self, request: httpx.Request) -> httpx.Response:
        body = orjson.loads(request.content)
        match request.url.host:
            case "slack.example":
                self._slack(request.url.path.rpartition("/")[2], body)
                return httpx.Response(200, json={"ok": True, "channel": "C0DBA1234", "ts": "1775815203.000100"})
            case "events.example.com":
                self._pagerduty(body)
                return httpx.Response(202, json={"status": "success"})
        self._say(f"webhook gets {body['data']['occasion']}", body["data"]["headline"])
        return httpx.Response(200)

    def _slack(self, method: str, body: dict[str, Any]) -> None:
        if "thread_ts" in body:
            also = ", and in the channel" if body["reply_broadcast"] else ""
            self._say(f"slack, in the thread{also}", body["text"])
            return
        blocks = ["\n".join([f"[{block['type']}]", *texts(Message("", (block,)))]) for block in body["blocks"]]
        fresh = [block for block in blocks if block not in self._blocks]
        verb = "edits" if method == "chat.update" else "posts"
        self._say(f"slack {verb} the message", "\n".join(fresh))
        self._blocks = blocks

    def _pagerduty(self, body: dict[str, Any]) -> None:
        payload = body.get("payload", {})
        details = [f"{name}: {value}" for name, value in payload.get("custom_details", {}).items()]
        what = [payload["summary"], *details] if payload else []
        self._say(f"pagerduty gets {body.get('event_action', 'a change event')}", "\n".join(what))

    def _say(self, who: str, what: str) -> None:
        self.lines += [f"== {self.clock.now():%H:%M:%S} {who}", *([what] if what else []), ""]


def life(records: Sequence[Record]) -> str:
    """Everything that is sent about the first incident. Ada acknowledges it after a while."""
    ident = records[0][1].incident_id
    mine = [(at, one) for at, one in records if one.incident_id == ident]
    at = mine[0][0] + timedelta(seconds=ACKNOWLEDGED_S)
    ada = Action(action_id="act_1", incident_id=ident, kind="acknowledge", by="ada", at=at, generation=1)
    shown = Life(mine[0][0])
    asyncio.run(shown.run(mine, [ada]))
    return "\n".join(shown.lines)
