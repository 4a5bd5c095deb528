"""Pictures of the console for a demo that nobody looks at: one after each step of the scenario."""

from datetime import datetime
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from leadline.errors import LeadlineError
from leadline_lab.demo.demo_state import DemoState
from leadline_lab.demo.events import DemoEvent, EventKind
from leadline_lab.demo.pictures import photograph
from leadline_lab.demo.screen import Screen

NAME: Final = "demo-console-{}.png"


class ConsolePictures:
    """Another screen that takes the pictures beside, of the page that the step names. A step ends when the next one
    begins, and the last with a report.

    One picture is taken at a time: where Chromium is slower than the demo, a step has none. Pictures of an earlier demo
    are removed.
    """

    def __init__(self, screen: Screen, folder: Path) -> None:
        self._screen, self._folder = screen, folder
        self._state: DemoState | None = None
        self._done, self._is_over = 0, False
        self._work: Thread | None = None
        self.files: list[Path] = []
        self.problem = ""
        """The reason for which a picture is missing; empty when none is."""

    def __enter__(self) -> Self:
        for earlier in self._folder.glob(NAME.format("*")):
            earlier.unlink(missing_ok=True)
        self._screen.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._screen.__exit__(kind, error, at)

    def event(self, event: DemoEvent) -> None:
        """Show a line; a picture when it is the beginning of a step."""
        self._screen.event(event)
        if event.kind is EventKind.STEP:
            self._done += 1
            self._take(self._done - 1)

    def show(self, state: DemoState, now: datetime) -> None:
        """Show the present state; a picture at the end, for which everything waits, since the console ends then."""
        self._screen.show(state, now)
        self._state = state
        if state.report is not None and not self._is_over:
            self._is_over = True
            self._take(self._done)
            if self._work is not None:
                self._work.join()

    def summary(self) -> list[str]:
        """Lines for the end: the pictures, and why some are missing."""
        missing = [str(number) for number in range(1, self._done + 1) if self._file(number) not in self.files]
        taken = [f"wrote  {file}" for file in sorted(self.files)]
        why = self.problem or "Chromium was slower than the demo"
        return [*taken, *([f"no picture of step {', '.join(missing)}: {why}"] if missing else [])]

    def _file(self, number: int) -> Path:
        return self._folder / NAME.format(number)

    def _take(self, number: int) -> None:
        busy = self._work is not None and self._work.is_alive()
        if not number or self._state is None or self.problem or (busy and not self._is_over):
            return
        if busy and self._work is not None:
            self._work.join()
        address = page_of(self._state, number)
        self._work = Thread(target=self._photograph, args=(address, self._file(number)), daemon=True)
        self._work.start()

    def _photograph(self, address: str, file: Path) -> None:
        try:
            photograph(address, file)
        except LeadlineError as error:
            self.problem = str(error)
        else:
            self.files.append(file)


def page_of(state: DemoState, number: int) -> str:
    """The address of the page that shows a step, which counts from 1; without an incident yet, that of the fleet."""
    page, newest = state.progress.scenario.steps[number - 1].page, state.observed.newest
    if "{incident}" not in page:
        return state.console + page
    return state.console + (page.format(incident=quote(newest.incident_id, safe="")) if newest is not None else "/")
