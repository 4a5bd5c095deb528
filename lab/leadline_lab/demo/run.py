"""One demo from the first server to the last file."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final, TypeVar

from leadline import wire
from leadline.clock import Clock
from leadline.errors import LeadlineError
from leadline.settings.sink import SinkSettings
from leadline_lab.demo.demo_state import DemoState
from leadline_lab.demo.environment import Environment
from leadline_lab.demo.events import EventKind
from leadline_lab.demo.observed import Observed
from leadline_lab.demo.progress import Progress
from leadline_lab.demo.report import draft_beside, report
from leadline_lab.demo.scenario import Scenario
from leadline_lab.demo.scenario_runner import ScenarioRunner
from leadline_lab.demo.screen import Screen
from leadline_lab.demo.targets import environment_of, own_targets

T = TypeVar("T")
PAINT_S: Final = 0.2


class Demo:
    """Starts the environment, runs the scenario, and writes the report."""

    def __init__(self, scenario: Scenario, own: SinkSettings, screen: Screen, clock: Clock, file: Path | None) -> None:
        self.state = DemoState(Progress(scenario), Observed(), targets=own_targets(own))
        self._own, self._screen, self._clock, self._file = own, screen, clock, file
        self._postgres = ""

    def run(self, *, stay: bool) -> dict[str, Any]:
        """Run the demo and return its report. ``stay`` shows the fleet until Ctrl-C.

        Raises LeadlineError; the report is written in that case too.
        """
        with self._screen, Environment() as environment:
            runner = ScenarioRunner(environment, self.state, self._screen, self._clock)
            try:
                asyncio.run(self._all(environment, runner, stay=stay))
            except KeyboardInterrupt:
                if self.state.report is None:
                    raise
            except LeadlineError as error:
                if self.state.report is None:
                    self.state.progress.fail(str(error))
                    self._finish(runner)
                raise
            finally:
                self.state.activity = "stopping and removing everything"
                self._screen.show(self.state, self._clock.now())
        assert self.state.report is not None
        return self.state.report

    async def _all(self, environment: Environment, runner: ScenarioRunner, *, stay: bool) -> None:
        parts = environment.start(self._own)
        while (part := await self._shown(runner, asyncio.to_thread(next, parts, None))) is not None:
            self.state.activity = f"starting {part}"
            runner.report(EventKind.SETUP, part)
        self._postgres = environment.version
        self.state.note = f"PostgreSQL {self._postgres}"
        self.state.receiver, self.state.console = environment.receiver_url, environment.console_url
        self.state.bootstrap, self.state.activity = environment.bootstrap, ""
        runner.report(EventKind.SETUP, f"other commands, after `export {environment_of(self.state.bootstrap)}`")
        await runner.run(lambda: self._finish(runner), stay=stay)

    async def _shown(self, runner: ScenarioRunner, work: Awaitable[T]) -> T:
        """Wait for ``work``, and paint meanwhile."""
        task = asyncio.ensure_future(work)
        while not task.done():
            runner.show()
            await asyncio.wait({task}, timeout=PAINT_S)
        return task.result()

    def _finish(self, runner: ScenarioRunner) -> None:
        state, drafts = self.state, list[Path]()
        if self._file is not None and state.observed.draft:
            texts = [state.observed.draft, *state.observed.further_drafts]
            drafts = [draft_beside(self._file, number) for number in range(1, len(texts) + 1)]
            for draft, text in zip(drafts, texts, strict=True):
                draft.write_text(text)
        state.report = report(state.progress, state.observed, runner.injected_at, self._postgres, drafts)
        if self._file is not None:
            self._file.write_bytes(wire.encode(state.report) + b"\n")
        state.files = tuple(str(file) for file in (self._file, *drafts) if file is not None)
