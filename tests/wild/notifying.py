"""`leadline sink` as a process, with Slack and PagerDuty stood in for, and the records of an incident."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from leadline.model.incident import Incident, TimelineEntry
from leadline_lab.receiver.pagerduty import Alert, alerts
from leadline_lab.receiver.server import Receiver
from tests.fixtures.brokers import Broker, create_topics
from tests.integration.sinks.kit import CLOCK, Process, Put, process, until, writing
from tests.unit.sinks import made

WARNING = made.cause(
    "standby_misconfigured", summary="hot_standby_feedback on pg-2 differs from pg-1", steps=[], fix="-"
)


class Notifying:
    """`leadline sink` with Slack and PagerDuty, both of them the receiver, and the records of one incident."""

    def __init__(self, sink: Process, receiver: Receiver, put: Put, config: Path) -> None:
        self.sink, self.receiver, self.config = sink, receiver, config
        self._put = put
        self.incident = made.incident(1, opened_at=CLOCK.now(), severity="warning", causes=[WARNING])

    async def put(self, value: Any) -> None:
        """Publish any value to its topic."""
        await self._put(value)

    async def record(self, **changes: Any) -> Incident:
        """Publish the next record of the incident."""
        self.incident = msgspec.structs.replace(self.incident, seq=self.incident.seq + 1, **changes)
        await self._put(self.incident)
        return self.incident

    async def ends(self, **changes: Any) -> None:
        now = CLOCK.now()
        timeline = [*self.incident.timeline, TimelineEntry(at=now, what="resolved")]
        await self.record(state="resolved", resolved_at=now, timeline=timeline, **changes)

    async def returns(self) -> None:
        now = CLOCK.now()
        await self.record(
            state="open",
            resolved_at=None,
            reopened=[*self.incident.reopened, now],
            generation=self.incident.generation + 1,
            timeline=[*self.incident.timeline, TimelineEntry(at=now, what="returned")],
        )

    @property
    def alerts(self) -> list[Alert]:
        """The alerts in PagerDuty; each paged once, when it was opened."""
        return alerts(self.receiver.events)

    def slack(self, kind: str) -> list[dict[str, Any]]:
        return [dict(e.payload) for e in self.receiver.events if e.vendor == "slack" and e.kind == kind]

    @property
    def shown(self) -> list[str]:
        """Each message as Slack shows it now, all its blocks as text."""
        now: dict[str, str] = {}
        for event in self.receiver.events:
            if event.vendor == "slack" and event.kind in ("post", "update"):
                now[str(event.payload["ts"])] = json.dumps(event.payload["blocks"], ensure_ascii=False)
        return list(now.values())

    @property
    def broadcasts(self) -> list[str]:
        """The replies that the channel shows too."""
        return [reply["text"] for reply in self.slack("reply") if reply.get("reply_broadcast")]

    async def until(self, what: str, check: Any) -> None:
        await until(what, check, self.sink)


@asynccontextmanager
async def notifying(
    broker: Broker,
    prefix: str,
    folder: Path,
    *,
    limited: bool = False,
    port: int = 0,
    more: Mapping[str, Any] | None = None,
    **notify: Any,
) -> AsyncIterator[Notifying]:
    """A running ``leadline sink``; ``limited`` is whether the vendors limit the rate, ``more`` are further settings."""
    await asyncio.to_thread(create_topics, broker, prefix, 1)
    with Receiver(port, limited=limited) as receiver:
        settings = {
            "pagerduty": {"routing_key": "a" * 32, "url": receiver.url},
            "slack": {"token": "xoxb-1", "channel": "#dba", "api_url": f"{receiver.url}/api"},
            "kafka": {"bootstrap": broker.bootstrap, "topic_prefix": prefix},
            "notify": {"update_every_s": 0, "announce_silences": "never", **notify},
            **(more or {}),
        }
        with process(folder, settings) as sink:
            sink.start()
            async with writing(broker.bootstrap, prefix) as put:
                yield Notifying(sink, receiver, put, folder / "sink.yaml")
            await until("it notifies", lambda: "notifying" in sink.err, sink)  # before that, SIGTERM kills it
            assert sink.end() == 0
