"""The stream of server-sent events of one open page: the parts that change, and the state of the feed once a second.

Each event with parts has an id that says which parts the browser has then. A browser that comes back sends it as
``Last-Event-ID`` and is sent only what changed meanwhile; nothing is kept for it here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import orjson

from leadline import metrics
from leadline.clock import Clock
from leadline_console.read_model import ReadModel
from leadline_console.rendering import changed, event_id

PULSE_S: Final = 0.2
HEARTBEAT_S: Final = 1.0
"""The script reports a stream that is silent for five times as long."""
SHARE: Final = 5.0
"""After making a page, making it again waits for so many times as long as it took."""
MOST_STREAMS: Final = 300

MakeParts = Callable[[], Mapping[str, str]]


class TooManyStreams(Exception):
    """No further page can be followed now."""


class Live:
    """Wakes the streams when the model has changed."""

    def __init__(self, model: ReadModel, clock: Clock) -> None:
        self._model, self._clock = model, clock
        self._pulse = asyncio.Event()
        self.streams = 0

    async def run(self) -> None:
        """Look for changes until cancelled."""
        version = -1
        while True:
            if version != self._model.version:
                version = self._model.version
                pulse, self._pulse = self._pulse, asyncio.Event()
                pulse.set()
            await self._clock.sleep(PULSE_S)

    def begin(self) -> None:
        """Count a stream. Raises TooManyStreams."""
        if self.streams >= MOST_STREAMS:
            raise TooManyStreams
        self.streams += 1
        metrics.CONSOLE_STREAMS.set(self.streams)

    async def events(self, make: MakeParts, known: str) -> AsyncIterator[bytes]:
        """Events for a browser that has the parts of the event id ``known``. ``begin`` was called before."""
        try:
            yield b"retry: 1000\n\n"
            version, not_before, stale = -1, 0.0, False
            while True:
                now = self._clock.monotonic()
                was, stale = stale, self._model.feed.is_stale(now)
                if (version != self._model.version or was != stale) and now >= not_before:
                    version = self._model.version
                    found = make()
                    not_before = now + SHARE * (self._clock.monotonic() - now)
                    new, known = changed(found, known), event_id(found)
                    if new:
                        yield event("parts", new, known)
                yield event("feed", {"age_s": self._model.feed.age_s(now), "behind": self._model.feed.behind})
                await self._wait(not_before if version != self._model.version else 0.0)
        finally:
            self.streams -= 1
            metrics.CONSOLE_STREAMS.set(self.streams)

    async def _wait(self, until: float) -> None:
        """Until something changes, or for a heartbeat; and until the monotonic time ``until``."""
        if until:
            await self._clock.sleep(min(HEARTBEAT_S, until - self._clock.monotonic()))
            return
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await self._pulse.wait()
        except TimeoutError:
            return


def event(kind: str, data: object, ident: str = "") -> bytes:
    """One event. JSON has no line ends, so that its data is one line."""
    head = f"id: {ident}\n" if ident else ""
    return f"{head}event: {kind}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"
