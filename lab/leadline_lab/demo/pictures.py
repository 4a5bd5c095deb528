"""The pictures of the README, taken while the demo runs: ``python -m leadline_lab.demo.pictures docs/pictures``.

The live view is written as SVG. The receiver's page is photographed by Chromium, which must be installed.
"""

import shutil
import subprocess
import sys
import tempfile
from datetime import datetime
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.console import Console

from leadline.clock import SystemClock
from leadline.errors import LeadlineError
from leadline.settings.sink import SinkSettings
from leadline_lab.demo.demo_state import DemoState
from leadline_lab.demo.events import DemoEvent, EventKind
from leadline_lab.demo.live_view import render
from leadline_lab.demo.postmortem import POSTMORTEM
from leadline_lab.demo.run import Demo
from leadline_lab.demo.screen import LineScreen

COLUMNS, LINES = 120, 44
WINDOW: Final = "900,1100"
"""Width and height of the browser's window, in pixels."""
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")


class PictureScreen:
    """Prints the demo's lines, and takes the pictures when a step begins."""

    def __init__(self, folder: Path, titles: dict[str, str]) -> None:
        """``titles``: of the steps, with the name of the picture taken then."""
        self._folder, self._titles = folder, titles
        self._lines = LineScreen(json=False)
        self._state: DemoState | None = None
        self._now: datetime | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing."""

    def event(self, event: DemoEvent) -> None:
        """Print the line."""
        self._lines.event(event)
        name = self._titles.get(event.text) if event.kind is EventKind.STEP else None
        if name is None or self._state is None or self._now is None:
            return
        file = self._folder / name
        if file.suffix == ".svg":
            file.write_text(svg(self._state, self._now))
        else:
            photograph(self._state.receiver, file)

    def show(self, state: DemoState, now: datetime) -> None:
        """Note the present state."""
        self._state, self._now = state, now


def svg(state: DemoState, now: datetime) -> str:
    """The live view at one moment."""
    console = Console(width=COLUMNS, height=LINES, record=True, file=StringIO(), force_terminal=True)
    console.print(render(state, now, COLUMNS, LINES))
    return console.export_svg(title="leadline demo")


def photograph(address: str, file: Path) -> None:
    """Write what Chromium shows at an address as PNG. Raises LeadlineError when there is no browser, or it fails."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise LeadlineError(f"no browser for the picture {file}: install one of {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        command = [browser, *options, "--hide-scrollbars", f"--user-data-dir={profile}", f"--window-size={WINDOW}"]
        command += [f"--screenshot={file}", address]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603 - our own
    if done.returncode != 0 or not file.exists():
        raise LeadlineError(f"{browser} did not write {file}: {done.stderr.strip()[-500:]}")


def main(folder: Path) -> None:
    """Run the demo and write both pictures into a folder."""
    names = {"conflict": "slack.png", "skipped": "demo.svg"}
    titles = {step.title: names[step.key] for step in POSTMORTEM.steps if step.key in names}
    Demo(POSTMORTEM, SinkSettings(), PictureScreen(folder, titles), SystemClock(), None).run(stay=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
