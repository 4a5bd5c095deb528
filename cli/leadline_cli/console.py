"""``leadline console``."""

import asyncio
from pathlib import Path

import click

from leadline.settings.web_console import WebConsoleSettings
from leadline_cli.options import begin, config_option, user


@click.command()
@config_option
def command(config: Path | None) -> None:
    """Show the fleet, its incidents and its data in a browser.

    The console reads the topics, and the incident log where one is set. It judges nothing. On this host it needs no
    sign-in; to be reached from others, set a way to sign in: an OpenID provider, the header of a reverse proxy, or
    tokens. Any number of consoles may run. Runs until SIGTERM or Ctrl-C.

    \b
    Example:
      leadline console -c /etc/leadline/console.yaml
    """
    from leadline import metrics
    from leadline.clock import SystemClock
    from leadline.topics import require
    from leadline_console.service import address_of, listen, run

    settings = begin(WebConsoleSettings, config)
    asyncio.run(require(settings.kafka))
    metrics.serve("console", settings.metrics)
    with listen(settings) as listening:
        click.echo(f"leadline: the console is at {address_of(settings, listening)}", err=True)
        asyncio.run(run(settings, listening, SystemClock(), user()))
