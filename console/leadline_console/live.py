"""The stream of server-sent events of one open page: the parts that change, and the state of the feed once a second.

Each event with parts has an id that says which parts the browser has then. A browser that comes back sends it as
``Last-Event-ID`` and is sent only what changed meanwhile; nothing is kept for it here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from typing import Final, NamedTuple

import orjson

from leadline import metrics
from leadline.clock import Clock
from leadline_console.newest import Newest
from leadline_console.read_model import ReadModel
from leadline_console.rendering import changed, event_id

PULSE_S: Final = 0.2
HEARTBEAT_S: Final = 1.0
"""The script reports a stream that is silent for five times as long."""
SHARE: Final = 1.0
"""Between two times of making parts are so many times as long as it took: half of a processor is left for requests."""
MOST_STREAMS: Final = 300
LONGEST_S: Final = 600.0
"""A stream ends after so long. The browser comes back by itself, and whoever may no longer look does not."""

MakeParts = Callable[[], Mapping[str, str]]


class MadeParts(NamedTuple):
    """The parts of a page, and the version of the model that they show."""

    version: int
    parts: Mapping[str, str]


class TooManyStreams(Exception):
    """No further page can be followed now."""


class PageStreams:
    """Wakes the streams when the model has changed, and makes their parts in turn: one page at a time, each page once
    for all who look at the same."""

    def __init__(self, model: ReadModel, clock: Clock) -> None:
        self._model, self._clock = model, clock
        self._pulse = asyncio.Event()
        self._turn = asyncio.Lock()
        self._free_at = 0.0
        self._made: Newest[Hashable, MadeParts] = Newest(MOST_STREAMS)
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

    async def events(self, make: MakeParts, known: str, key: Hashable) -> AsyncIterator[bytes]:
        """Events for a browser that has the parts of the event id ``known``. ``begin`` was called before.

        ``key`` is the same for streams whose parts are the same.
        """
        making: asyncio.Task[MadeParts] | None = None
        version, banner, ends_at = -1, self._banner(), self._clock.monotonic() + LONGEST_S
        try:
            yield b"retry: 1000\n\n"
            while self._clock.monotonic() < ends_at:
                if making is None and (version != self._model.version or banner != self._banner()):
                    banner = self._banner()
                    making = asyncio.create_task(self._make(make, (key, banner)))
                if making is not None and making.done():
                    made, making = making.result(), None
                    new, known, version = changed(made.parts, known), event_id(made.parts), made.version
                    if new:
                        yield event("parts", new, known)
                age = self._model.feed.age_s(self._clock.monotonic())
                yield event("feed", {"age_s": age, "behind": self._model.feed.behind})
                await self._wait(making)
        finally:
            if making is not None:
                making.cancel()
            self.streams -= 1
            metrics.CONSOLE_STREAMS.set(self.streams)

    def _banner(self) -> tuple[bool, bool]:
        """The parts of a page that time alone changes: an old feed, and a judgement that is silent."""
        return self._model.feed.is_stale(self._clock.monotonic()), self._model.is_silent(self._clock.now())

    async def _make(self, make: MakeParts, key: Hashable) -> MadeParts:
        """The parts as of now or later. Those that another stream has made since this one asked are as good."""
        asked = self._model.version
        async with self._turn:
            known = self._made.get(key)
            if known is not None and known.version >= asked:
                return known
            await self._clock.sleep(self._free_at - self._clock.monotonic())
            began, version = self._clock.monotonic(), self._model.version
            made = MadeParts(version, make())
            self._free_at = self._clock.monotonic() + SHARE * (self._clock.monotonic() - began)
            self._made.put(key, made)
            return made

    async def _wait(self, making: "asyncio.Task[MadeParts] | None") -> None:
        """Until the parts are made or something changes, or for a heartbeat."""
        if making is not None:
            await asyncio.wait({making}, timeout=HEARTBEAT_S)
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
