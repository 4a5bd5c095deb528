"""``leadline receiver``."""

import signal
from queue import SimpleQueue
from typing import TYPE_CHECKING

import click

from leadline.logs import escape
from leadline.wire import timestamp
from leadline_cli.options import format_option
from leadline_cli.output import emit

if TYPE_CHECKING:
    from leadline_lab.receiver.inbox import Seen
    from leadline_lab.receiver.server import Receiver

PORT = 8095


@click.command()
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="The port to listen on; 0 picks a free one.",
)
@click.option(
    "--fail",
    "fails",
    multiple=True,
    metavar="VENDOR:KIND[:N|:Ns]",
    help="Fail on purpose, for N requests or N seconds, such as slack:rate_limited:3. May be repeated.",
)
@click.option("--no-limits", is_flag=True, help="Apply no rate limits.")
@format_option
def command(port: int, fails: tuple[str, ...], no_limits: bool, form: str) -> None:
    """Stand in for Slack, PagerDuty and webhooks on this machine.

    The receiver enforces the vendors' limits and returns their errors. Open its address in a browser to see the
    messages; /inbox has them as JSON. It listens on 127.0.0.1 until SIGTERM or Ctrl-C, and stores nothing on disk.

    KIND is rate_limited, unavailable, timeout, half (half of a response), slow, garbled, closed, unauthorized or
    gone.

    \b
    Example:
      leadline receiver --fail slack:unavailable:30s
    """
    from leadline_lab.receiver.faults import parse
    from leadline_lab.receiver.server import Receiver

    faults = [parse(text) for text in fails]
    received: SimpleQueue[Seen | None] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: received.put(None))
    with Receiver(port, limited=not no_limits, on_request=received.put) as receiver:
        for fault in faults:
            receiver.fail(fault)
        if form == "json":
            emit({"url": receiver.url, "environment": dict(receiver.environment), "webhook_url": receiver.webhook_url})
        else:
            _begin(receiver)
        for seen in iter(received.get, None):
            _say(seen, form)


def _begin(receiver: "Receiver") -> None:
    click.echo(f"The receiver listens at {receiver.url} until Ctrl-C. To send notifications to it, set:\n")
    for name, value in receiver.environment.items():
        click.echo(f"  export {name}='{value}'")
    click.echo(f"  export LEADLINE_TEAMS_URL='{receiver.teams_url}'")
    click.echo("\nor, for Slack by an incoming webhook:\n")
    click.echo(f"  export LEADLINE_SLACK_WEBHOOK_URL='{receiver.webhook_url}'\n")


def _say(seen: "Seen", form: str) -> None:
    """One request."""
    if form == "json":
        fields = {"vendor": seen.vendor, "path": seen.path, "status": seen.status, "problem": seen.problem}
        emit({"at": timestamp(seen.at), **fields})
        return
    why = click.style(f"  {escape(seen.problem)}", fg="red") if seen.problem else ""
    click.echo(f"{seen.at:%H:%M:%S}  {seen.vendor}  {escape(seen.path, 80)}  {seen.status or 'no answer'}{why}")
