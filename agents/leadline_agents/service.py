"""The agent as a process: a sampler per instance, one outbox, one connection to Kafka."""

import asyncio
import contextlib
import gc
import logging
from functools import partial
from pathlib import Path

from leadline import metrics
from leadline.clock import Clock
from leadline.kafka import producer_options
from leadline.settings.agent import AgentSettings
from leadline.shutdown import end, shutdown_requested
from leadline.signature import Signer
from leadline_agents.channel import KafkaChannel
from leadline_agents.outbox import Outbox
from leadline_agents.publisher import Publisher
from leadline_agents.record_times import RecordTimes
from leadline_agents.sampler import Backlog, Sampler
from leadline_agents.spool import Spool

STORE_EVERY_S = 1.0
FLUSH_S = 3.0
"""Time for Kafka to acknowledge the rest when the agent stops; the spool keeps what is not acknowledged."""

log = logging.getLogger(__name__)


async def run(settings: AgentSettings, clock: Clock) -> None:
    """Look and publish until SIGTERM or until cancelled; then flush, within seconds.

    Servers and Kafka need not answer at the start. Raises UsageError when the settings cannot work on this machine:
    the spool, the metrics port, certificate files, an instance's engine.
    """
    producer_options(settings.kafka, "")
    spool = Spool(Path(settings.spool.path), settings.spool.max_bytes)
    try:
        metrics.serve("agent", settings.metrics)
        names = ", ".join(f"{each.cluster}/{each.name}" for each in settings.instances)
        log.info("reading %s each %g s, for Kafka at %s", names, settings.interval_s, settings.kafka.bootstrap)
        await _work(settings, clock, Outbox(spool, clock))
    finally:
        spool.close()


async def _work(settings: AgentSettings, clock: Clock, outbox: Outbox) -> None:
    times = RecordTimes(clock)
    publisher = Publisher(
        outbox,
        lambda: KafkaChannel.open(settings.kafka, times),
        clock,
        prefix=settings.kafka.topic_prefix,
        clusters={instance.cluster for instance in settings.instances},
        interval_s=settings.interval_s,
        signer=Signer(settings.kafka.signing_secret, settings.signing_keys()),
    )
    samplers = [
        Sampler(
            *(instance, settings, clock),
            lambda: Backlog(outbox.spooled, outbox.dropped, publisher.channels, publisher.refused_bytes),
        )
        for instance in settings.instances
    ]
    puts = [partial(publisher.put, cluster=instance.cluster) for instance in settings.instances]
    sending = asyncio.create_task(publisher.run())
    apart_s = settings.interval_s / len(samplers)  # looks spread over the interval
    others = [
        asyncio.create_task(sampler.run(put, number * apart_s))
        for number, (sampler, put) in enumerate(zip(samplers, puts, strict=True))
    ]
    others.append(asyncio.create_task(_keep(outbox, clock)))
    stopping = asyncio.create_task(shutdown_requested())
    gc.collect()
    gc.freeze()  # modules are never collected; scanning them is half of the collector's work
    try:
        ended, _ = await asyncio.wait({stopping, sending, *others}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        try:
            await end(stopping, *others)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await publisher.drained()
        finally:
            await end(sending)
            outbox.store(0)
    for task in ended:
        task.result()


async def _keep(outbox: Outbox, clock: Clock) -> None:
    """Move records that Kafka does not acknowledge soon to disk."""
    while True:
        await clock.sleep(STORE_EVERY_S)
        outbox.store()
