"""``leadline stream``."""

import asyncio
from pathlib import Path

import click

from leadline.settings.stream import StreamSettings
from leadline_cli.options import begin, config_option


@click.command()
@config_option
def command(config: Path | None) -> None:
    """Judge every link, and name the causes of incidents.

    Reads samples; writes alerts, incidents, status and lag. Workers with the same application_id share the partitions
    of the samples, so at most as many can work as there are partitions. Runs until SIGTERM or Ctrl-C.

    \b
    Example:
      leadline stream -c /etc/leadline/stream.yaml
    """
    from leadline import metrics
    from leadline.clock import SystemClock
    from leadline.topics import require
    from leadline_streams.assembly import policy_of
    from leadline_streams.runtime.app import run

    settings = begin(StreamSettings, config)
    policy = policy_of(settings)
    asyncio.run(require(settings.kafka))
    metrics.serve("stream", settings.metrics)
    run(settings, SystemClock(), policy)
