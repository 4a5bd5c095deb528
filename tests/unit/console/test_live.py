"""The stream of an open page: what changed, and a sign that it is alive."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import pytest

from leadline.clock import ManualClock
from leadline_console.live import LONGEST_S, MOST_STREAMS, PageStreams, TooManyStreams
from leadline_console.read_model import ReadModel
from tests.fixtures.console_values import link


class Maker:
    """Counts how often the parts are made."""

    def __init__(self, model: ReadModel) -> None:
        self._model = model
        self.times = 0

    def __call__(self) -> Mapping[str, str]:
        self.times += 1
        return {"live_links": f"{len(self._model.links)} links", "live_title": "Fleet"}


async def parts_of(stream: AsyncIterator[bytes]) -> str:
    """The next event with parts."""
    async for event in stream:
        if b"event: parts" in event:
            return event.decode()
    raise AssertionError("the stream ended")


def live() -> tuple[PageStreams, ReadModel, Maker]:
    model = ReadModel()
    return PageStreams(model, ManualClock()), model, Maker(model)


async def test_only_what_changed_is_sent() -> None:
    streams, model, make = live()
    streams.begin()
    async with aclosing(streams.events(make, "", "fleet")) as stream:
        first = await parts_of(stream)
        assert "0 links" in first
        assert "Fleet" in first
        model.take(link("orders", "pg-1", "pg-2"))
        second = await parts_of(stream)
        assert "1 links" in second
        assert "Fleet" not in second
    assert streams.streams == 0


async def test_who_comes_back_is_sent_what_is_new() -> None:
    streams, model, make = live()
    streams.begin()
    async with aclosing(streams.events(make, "", "fleet")) as stream:
        (ident,) = [line[4:] for line in (await parts_of(stream)).splitlines() if line.startswith("id: ")]
    model.take(link("orders", "pg-1", "pg-2"))
    streams.begin()
    async with aclosing(streams.events(make, ident, "fleet")) as stream:
        assert "Fleet" not in await parts_of(stream)


async def test_those_who_look_at_the_same_share_the_work() -> None:
    streams, _, make = live()
    for _ in range(3):
        streams.begin()
    one, two = streams.events(make, "", "fleet"), streams.events(make, "", "fleet")
    other = streams.events(make, "", "another")
    async with aclosing(one), aclosing(two), aclosing(other):
        assert await parts_of(one) == await parts_of(two)
        assert make.times == 1
        await parts_of(other)
        assert make.times == 2


def test_there_are_only_so_many_streams() -> None:
    streams, _, _ = live()
    for _ in range(MOST_STREAMS):
        streams.begin()
    with pytest.raises(TooManyStreams):
        streams.begin()


async def test_a_stream_ends_some_time_so_that_who_may_no_longer_look_does_not() -> None:
    clock, model = ManualClock(), ReadModel()
    streams = PageStreams(model, clock)
    streams.begin()
    seen = [each async for each in ended_after(streams.events(Maker(model), "", "fleet"), clock, 3)]
    assert len(seen) >= 3
    assert streams.streams == 0


async def ended_after(stream: AsyncIterator[bytes], clock: ManualClock, events: int) -> AsyncIterator[bytes]:
    """The stream, whose time is over after so many events."""
    async for event in stream:
        events -= 1
        if events == 0:
            clock.advance(LONGEST_S)
        yield event
