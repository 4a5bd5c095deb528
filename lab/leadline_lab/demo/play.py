"""Plays a scenario on the stage, watches it through the pipeline alone, and tells it to a screen."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final

from leadline.clock import Clock
from leadline.errors import LeadlineError
from leadline.model.delivery import Delivery
from leadline_lab.demo.demo_state import Scene
from leadline_lab.demo.environment import Stage
from leadline_lab.demo.events import Beat, Kind, Newsreader
from leadline_lab.demo.progress import Missed
from leadline_lab.demo.scenario import Exports, Step, spoken
from leadline_lab.demo.screen import Screen

FOLLOWED: Final = ("samples", "status", "alerts", "incidents", "deliveries")
ASK_S: Final = 0.5
"""How often the receiver and the incident log are asked."""


class Player:
    """One play."""

    def __init__(self, stage: Stage, scene: Scene, screen: Screen, clock: Clock) -> None:
        self._stage, self._scene, self._screen, self._clock = stage, scene, screen, clock
        self._story, self._seen = scene.story, scene.seen
        self._reader = Newsreader()
        self.injected_at: datetime | None = None

    async def play(self, finish: Callable[[], None], *, stay: bool) -> None:
        """Until the story is over and ``finish`` was called; with ``stay`` for ever. Raises what a part died of."""
        asking = asyncio.create_task(self._ask())
        doing: asyncio.Task[None] | None = None
        try:
            async with aclosing(self._stage.pipeline.follow(FOLLOWED)) as batches:
                async for batch in batches:
                    self._take(batch)
                    for task in (asking, doing):
                        if task is not None and task.done():
                            task.result()
                    busy = doing is not None and not doing.done()
                    self._look(doing=busy)
                    if self._story.over and not busy and self._scene.report is None:
                        finish()
                        if not stay:
                            return
                    elif self._story.step is None and not self._story.over:
                        doing = asyncio.create_task(self._do(self._begin()))
                    self.show()
        finally:
            asking.cancel()

    def show(self) -> None:
        """The scene as it is now."""
        now = self._clock.now()
        self._seen.fleet.sample_lags(self._clock.monotonic())
        if self._scene.report is None:
            self._scene.since_s = self._since()
        self._screen.show(self._scene, now)

    def tell(self, kind: Kind, text: str) -> None:
        """A line of the story."""
        beat = Beat(kind, text, self._clock.now(), self._since())
        self._scene.beats.append(beat)
        self._screen.tell(beat)

    # What comes in

    def _take(self, batch: Sequence[Any]) -> None:
        for news in batch:
            self._fold(news)
            if not isinstance(news, Delivery) or news.target in self._scene.targets:
                self._read(news)

    def _fold(self, news: Any) -> None:
        self._seen.take(news)

    def _read(self, news: object) -> None:
        for kind, text in self._reader.read(news):
            self.tell(kind, text)

    async def _ask(self) -> None:
        while True:
            new = (await asyncio.to_thread(self._stage.inbox))[len(self._seen.inbox) :]
            self._seen.inbox += new
            for news in new:
                self._read(news)
            self._seen.logged = await asyncio.to_thread(self._stage.logged) or self._seen.logged
            await self._clock.sleep(ASK_S)

    # What is done

    def _begin(self) -> Step:
        step = self._story.begin(self._clock.monotonic())
        if step.key == "injected":
            self.injected_at = self._clock.now()
        self.tell("step", step.title)
        return step

    async def _do(self, step: Step) -> None:
        for deed in step.deeds:
            self._scene.doing = spoken(deed, self._seen)
            self.tell("did", self._scene.doing)
            try:
                if isinstance(deed, Exports):
                    self._seen.draft = await asyncio.to_thread(self._stage.export, self._incident_id())
                else:
                    await asyncio.to_thread(self._stage.hands.do, deed, self._seen)
            except LeadlineError as error:
                self._story.fail(str(error))
                self.tell("missed", str(error))
                break
        self._scene.doing = ""

    def _incident_id(self) -> str:
        incident = self._seen.incident
        return incident.incident_id if incident is not None else ""

    def _look(self, *, doing: bool) -> None:
        for found in self._story.look(self._seen, self._clock.monotonic(), doing=doing):
            if isinstance(found, Missed):
                self.tell("missed", f"not in {found.within_s:g} s: {found.expectation.text}")
            else:
                self.tell("saw", found.expectation.text)

    def _since(self) -> float | None:
        began = self._story.at.get("injected")
        return None if began is None else self._clock.monotonic() - began
