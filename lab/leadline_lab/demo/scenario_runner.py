"""Runs a scenario: performs its actions, observes them through the pipeline alone, and reports to a screen."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final

from leadline.clock import Clock
from leadline.errors import LeadlineError
from leadline.model.delivery import Delivery
from leadline_lab.demo.demo_state import DemoState
from leadline_lab.demo.environment import Environment
from leadline_lab.demo.events import DemoEvent, EventKind, EventReporter
from leadline_lab.demo.progress import Missed
from leadline_lab.demo.scenario import Action, Export, Repair, ScenarioStep, describe
from leadline_lab.demo.screen import Screen

FOLLOWED: Final = ("samples", "status", "alerts", "incidents", "deliveries", "verifications")
POLL_S: Final = 0.5
"""The interval at which the receiver and the incident log are read."""


class ScenarioRunner:
    """One run of one scenario."""

    def __init__(self, environment: Environment, state: DemoState, screen: Screen, clock: Clock) -> None:
        self._environment, self._state, self._screen, self._clock = environment, state, screen, clock
        self._progress, self._observed = state.progress, state.observed
        self._reporter = EventReporter()
        self.injected_at: datetime | None = None

    async def run(self, finish: Callable[[], None], *, stay: bool) -> None:
        """Run until the scenario is over and ``finish`` has been called; with ``stay``, go on showing the fleet.

        Raises the error of a process that ended.
        """
        polling = asyncio.create_task(self._poll())
        performing: asyncio.Task[None] | None = None
        try:
            async with aclosing(self._environment.pipeline.follow(FOLLOWED)) as batches:
                async for batch in batches:
                    self._add(batch)
                    for task in (polling, performing):
                        if task is not None and task.done():
                            task.result()
                    busy = performing is not None and not performing.done()
                    self._evaluate(busy=busy)
                    if self._progress.over and not busy and self._state.report is None:
                        finish()
                        if not stay:
                            return
                    elif self._progress.step is None and not self._progress.over:
                        performing = asyncio.create_task(self._perform(self._begin()))
                    self.show()
        finally:
            polling.cancel()

    def show(self) -> None:
        """Show the present state."""
        now = self._clock.now()
        self._observed.fleet.sample_lags(self._clock.monotonic())
        if self._state.report is None:
            self._state.since_s = self._since_injection()
        self._screen.show(self._state, now)

    def report(self, kind: EventKind, text: str) -> None:
        """Add a line to the report."""
        event = DemoEvent(kind, text, self._clock.now(), self._since_injection())
        self._state.events.append(event)
        self._screen.event(event)

    # Observations

    def _add(self, batch: Sequence[Any]) -> None:
        for value in batch:
            self._observed.add(value)
            if not isinstance(value, Delivery) or value.target in self._state.targets:
                self._report_lines(value)

    def _report_lines(self, value: object) -> None:
        for kind, text in self._reporter.lines(value):
            self.report(kind, text)

    async def _poll(self) -> None:
        while True:
            new = (await asyncio.to_thread(self._environment.inbox))[len(self._observed.inbox) :]
            self._observed.inbox += new
            for event in new:
                self._report_lines(event)
            self._observed.logged = await asyncio.to_thread(self._environment.logged) or self._observed.logged
            await self._clock.sleep(POLL_S)

    def _evaluate(self, *, busy: bool) -> None:
        for result in self._progress.evaluate(self._observed, self._clock.monotonic(), busy=busy):
            if isinstance(result, Missed):
                self.report(EventKind.MISSED, f"not in {result.within_s:g} s: {result.expectation.text}")
            else:
                self.report(EventKind.OBSERVED, result.expectation.text)

    # Actions

    def _begin(self) -> ScenarioStep:
        step = self._progress.begin(self._clock.monotonic())
        if step.key == "injected":
            self.injected_at = self._clock.now()
        self.report(EventKind.STEP, step.title)
        return step

    async def _perform(self, step: ScenarioStep) -> None:
        for action in step.actions:
            self._state.activity = describe(action)
            try:
                await self._perform_one(action)
            except LeadlineError as error:
                self._progress.fail(str(error))
                self.report(EventKind.MISSED, str(error))
                break
        self._state.activity = ""

    async def _perform_one(self, action: Action) -> None:
        if isinstance(action, Export):
            first, *others = [await self._export(one.incident_id) for one in self._observed.incidents] or [""]
            self._observed.draft, self._observed.further_drafts = first, others
            return
        loop = asyncio.get_running_loop()

        def on_change(change: str) -> None:
            loop.call_soon_threadsafe(self.report, EventKind.ACTION, change)

        if isinstance(action, Repair):
            self.report(EventKind.ACTION, describe(action))
            await asyncio.to_thread(self._environment.verifier.repair, action.table, on_change)
            return
        await asyncio.to_thread(self._environment.actions.perform, action, self._observed, on_change)

    async def _export(self, incident_id: str) -> str:
        self.report(EventKind.ACTION, f"leadline incidents export {incident_id} --format md")
        return await asyncio.to_thread(self._environment.export, incident_id)

    def _since_injection(self) -> float | None:
        began = self._progress.at.get("injected")
        return None if began is None else self._clock.monotonic() - began
