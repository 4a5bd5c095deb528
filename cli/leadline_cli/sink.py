"""``leadline sink``."""

import asyncio
from pathlib import Path

import click

from leadline.settings.sink import SinkSettings
from leadline_cli.options import begin, config_option


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@config_option
def command(names: tuple[str, ...], config: Path | None) -> None:
    """Notify people of incidents, and write the incident log.

    NAME is a target of the settings, such as slack, pagerduty or email, the console, the incident_log, or one that
    has a name of its own in `targets`. Without a name, all configured targets are served. One process may serve all
    targets, or each target has a process of its own; several processes for one target share its incidents. While a
    target or Kafka is down, notifications are queued. parquet writes the records of topics as files for analytics, each
    record once; one process at a time writes a folder. Runs until SIGTERM or Ctrl-C.

    \b
    Example:
      leadline sink slack incident_log -c /etc/leadline/sink.yaml
      leadline sink parquet -c /etc/leadline/sink.yaml
    """
    from leadline import metrics
    from leadline.clock import SystemClock
    from leadline.topics import require
    from leadline_sinks.service import run
    from leadline_sinks.targets import chosen

    settings = begin(SinkSettings, config)
    targets = chosen(settings, names)
    asyncio.run(require(settings.kafka))
    metrics.serve("sink", settings.metrics)
    asyncio.run(run(settings, targets, SystemClock()))
