"""``leadline agent``."""

import asyncio
from pathlib import Path

import click

from leadline.settings.agent import AgentSettings
from leadline_cli.options import begin, config_option


@click.command()
@config_option
def command(config: Path | None) -> None:
    """Read database servers and publish samples of them.

    Runs until SIGTERM or Ctrl-C, then sends the observations that it still holds and exits. While Kafka is down,
    observations wait in the spool.

    \b
    Example:
      leadline agent -c /etc/leadline/agent.yaml
    """
    from leadline.clock import SystemClock
    from leadline_agents.service import run

    asyncio.run(run(begin(AgentSettings, config), SystemClock()))
