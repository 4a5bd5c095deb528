"""``leadline agent``."""

import asyncio
from pathlib import Path

import click

from leadline.settings.agent import AgentSettings
from leadline_cli.options import begin, config_option


@click.command()
@config_option
def command(config: Path | None) -> None:
    """Look at databases and publish what they say.

    Runs until SIGTERM or Ctrl-C, then sends what it still holds and leaves. While Kafka is away, observations wait in
    the spool.

    Example: leadline agent -c /etc/leadline/agent.yaml
    """
    from leadline.clock import SystemClock
    from leadline_agents.service import run

    asyncio.run(run(begin(AgentSettings, config), SystemClock()))
