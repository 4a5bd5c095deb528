"""``leadline demo``."""

import os
import signal
import sys
from pathlib import Path

import click

from leadline.errors import ProblemFound, UsageError
from leadline.logs import escape
from leadline_cli.options import format_option, settings


@click.command()
@click.option("--scenario", default="postmortem", show_default=True, metavar="NAME", help="The scenario to run.")
@click.option(
    "--exit", "leave", is_flag=True, help="Exit after the scenario. This is the default when the output is no terminal."
)
@click.option(
    "--report",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the result as JSON, and the drafts of the post-mortems beside it.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write a picture of the console after each step; needs Chromium.",
)
@format_option
def command(scenario: str, leave: bool, file: Path | None, pictures: Path | None, form: str) -> None:
    """Break a whole fleet on this machine, name the cause, notify, find the rows that were lost, repair.

    The demo starts a PostgreSQL primary, a standby, a cascading standby and a subscriber, Kafka in memory, and every
    part of Leadline as a process of its own, the verifier among them. A local receiver stands in for Slack and
    PagerDuty, and the console shows the fleet in a browser, at the address that is printed. When LEADLINE_SLACK_* or
    LEADLINE_PAGERDUTY_* are set, the real ones are notified too, of a cluster named demo. Everything but FILE, the
    drafts beside it and the pictures is removed at the end. Exit code 1 means that an expected result was not observed;
    the output names it.

    \b
    Example:
      leadline demo --exit --report demo-report.json
    """
    from leadline import wire
    from leadline.clock import SystemClock
    from leadline.settings.sink import SinkSettings
    from leadline_lab.demo.console_pictures import ConsolePictures
    from leadline_lab.demo.postmortem import SCENARIOS
    from leadline_lab.demo.run import Demo
    from leadline_lab.demo.screen import LineScreen, LiveScreen, Screen, line
    from leadline_lab.demo.summary import plain

    if scenario not in SCENARIOS:
        raise UsageError(f"there is no scenario {scenario!r}; choose one of: {', '.join(SCENARIOS)}")
    if file is not None and not os.access(file.parent, os.W_OK):
        raise UsageError(f"--report {file}: {file.parent} is not a writable folder; create it first")
    if pictures is not None and not os.access(pictures, os.W_OK):
        raise UsageError(f"--pictures {pictures}: not a writable folder; create it first")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: everything is stopped and removed
    live = form == "text" and sys.stdout.isatty()
    screen: Screen = LiveScreen() if live else LineScreen(json=form == "json")
    taking = ConsolePictures(screen, pictures) if pictures is not None else None
    demo = Demo(SCENARIOS[scenario], settings(SinkSettings, None), taking or screen, SystemClock(), file)
    try:
        report = demo.run(stay=live and not leave)
    finally:
        if live:
            click.echo("\n".join(line(event) for event in demo.state.events if event.kind != "setup"))
    if form == "json":
        click.echo(wire.encode({"kind": "report", **report}))
    else:
        click.echo("\n" + "\n".join(plain(report, demo.state.files)))
    if taking is not None:
        click.echo("\n".join(map(escape, taking.summary())), err=form == "json")
    if not report["ok"]:
        raise ProblemFound("not every step was observed; see above")
