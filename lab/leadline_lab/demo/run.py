"""One demo from the first server to the last file."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final, TypeVar

from leadline import wire
from leadline.clock import Clock
from leadline.errors import LeadlineError
from leadline.settings.sink import SinkSettings
from leadline_lab.demo.demo_state import Scene
from leadline_lab.demo.environment import Stage
from leadline_lab.demo.observed import Seen
from leadline_lab.demo.play import Player
from leadline_lab.demo.progress import Story
from leadline_lab.demo.report import draft_beside, report
from leadline_lab.demo.scenario import Scenario
from leadline_lab.demo.screen import Screen
from leadline_lab.demo.targets import own_targets

T = TypeVar("T")
PAINT_S: Final = 0.2


class Demo:
    """Raises the stage, plays, and writes down what came of it."""

    def __init__(self, scenario: Scenario, own: SinkSettings, screen: Screen, clock: Clock, file: Path | None) -> None:
        self._scene = Scene(Story(scenario), Seen(), targets=own_targets(own))
        self._own, self._screen, self._clock, self._file = own, screen, clock, file
        self._postgres = ""

    def run(self, *, stay: bool) -> dict[str, Any]:
        """The report. ``stay`` shows the fleet until Ctrl-C. Raises LeadlineError, the report written all the same."""
        with self._screen, Stage() as stage:
            player = Player(stage, self._scene, self._screen, self._clock)
            try:
                asyncio.run(self._all(stage, player, stay=stay))
            except KeyboardInterrupt:
                if self._scene.report is None:
                    raise
            except LeadlineError as error:
                if self._scene.report is None:
                    self._scene.story.fail(str(error))
                    self._finish(player)
                raise
            finally:
                self._scene.doing = "putting everything away"
                self._screen.show(self._scene, self._clock.now())
        assert self._scene.report is not None
        return self._scene.report

    @property
    def scene(self) -> Scene:
        """Everything that was to show."""
        return self._scene

    async def _all(self, stage: Stage, player: Player, *, stay: bool) -> None:
        parts = stage.raise_up(self._own)
        while (what := await self._shown(player, asyncio.to_thread(next, parts, None))) is not None:
            self._scene.doing = f"starting {what}"
            player.tell("setup", what)
        self._postgres = stage.version
        self._scene.note = f"PostgreSQL {self._postgres}"
        self._scene.receiver, self._scene.doing = stage.receiver_url, ""
        await player.play(lambda: self._finish(player), stay=stay)

    async def _shown(self, player: Player, work: Awaitable[T]) -> T:
        """Wait for something, and paint meanwhile."""
        task = asyncio.ensure_future(work)
        while not task.done():
            player.show()
            await asyncio.wait({task}, timeout=PAINT_S)
        return task.result()

    def _finish(self, player: Player) -> None:
        scene, draft = self._scene, None
        if self._file is not None and scene.seen.draft:
            draft = draft_beside(self._file)
            draft.write_text(scene.seen.draft)
        scene.report = report(scene.story, scene.seen, player.injected_at, self._postgres, draft)
        if self._file is not None:
            self._file.write_bytes(wire.encode(scene.report) + b"\n")
        scene.files = tuple(str(file) for file in (self._file, draft) if file is not None)
