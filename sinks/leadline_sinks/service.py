"""The process `leadline sink`: one consumer group for each target, and the incident log."""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Final

import msgspec

from leadline.clock import Clock
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.settings.sink import SinkSettings
from leadline.shutdown import end, shutdown_requested
from leadline_sinks.http import Http
from leadline_sinks.inbound.intake import Intake
from leadline_sinks.inbound.slack_socket import SlackSocket
from leadline_sinks.inbound.web import Inbound, listen
from leadline_sinks.incident_log.log_consumer import TARGET as INCIDENT_LOG
from leadline_sinks.incident_log.log_consumer import LogConsumer
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.context_consumer import ContextConsumer
from leadline_sinks.notify.dead_letters import DeadLetters
from leadline_sinks.notify.incident_consumer import IncidentConsumer
from leadline_sinks.notify.kafka_reader import consumer_group
from leadline_sinks.notify.kafka_writer import IncidentsOwner, KafkaWriter
from leadline_sinks.notify.lease import Lease
from leadline_sinks.notify.notifier import Notifier, Write
from leadline_sinks.notify.sink import IncidentLogWriter, Sink
from leadline_sinks.targets import INBOUND, PARQUET, archive, change_consumers, log_writer, sink

OWN_RECORDS_EVERY_S: Final = 1.0

log = logging.getLogger(__name__)


async def run(settings: SinkSettings, names: Sequence[str], clock: Clock) -> None:
    """Notify the targets named until SIGTERM or until cancelled, then let deliveries in progress end.

    Kafka must answer at the start only. Raises UsageError when a file of certificates cannot be used.
    """
    writer = KafkaWriter(settings.kafka, clock)
    dead_letters = DeadLetters(settings.kafka.topic_prefix, writer, clock)
    listening = listen(settings.inbound) if INBOUND in names and settings.inbound.port else None
    leases = {name: Lease(clock) for name in names if name not in (INCIDENT_LOG, PARQUET, INBOUND)}
    sinks: dict[str, Sink] = {name: sink(settings, name, clock, lease.hold) for name, lease in leases.items()}
    logs: list[IncidentLogWriter] = [log_writer(settings, clock)] if INCIDENT_LOG in names else []
    archives = [archive(settings, clock)] if PARQUET in names else []
    consumers: list[IncidentConsumer] = []

    async def write(value: Delivery | Incident, home: int | None = None) -> int:
        """Every delivery carries the head of the incident log to Kafka, out of reach of its tables' owner."""
        if not isinstance(value, Delivery) or home is None:
            return await writer.write(value)
        if logs and logs[0].head:
            value = msgspec.structs.replace(value, log_head=logs[0].head)
        group = consumer_group(settings.kafka.topic_prefix, value.target)
        return await writer.write(value, IncidentsOwner(f"{group}-{home}", leases[value.target]))

    context = NotificationContext(sinks, settings.notify.datacenter_clusters)
    context_consumer = ContextConsumer(
        *(settings.kafka, context, lambda: _wake(consumers), clock, dead_letters), replayed=settings.notify.replayed
    )
    for name, each in sinks.items():
        notifier = Notifier(name, each, settings, context, write, clock)
        consumers.append(
            IncidentConsumer(name, settings, notifier, context_consumer, dead_letters, leases[name], clock)
        )
    work: list[Coroutine[Any, Any, None]] = [consumer.run() for consumer in consumers]
    if sinks:
        work.append(_write_own_records(context, context_consumer, write, lambda: _wake(consumers), settings, clock))
    announcing = change_consumers(settings, names, clock)
    work += [each.run() for each in announcing]
    work += [LogConsumer(settings, each, writer, dead_letters, clock).run() for each in logs]
    work += [each.run() for each in archives]
    http = Http(clock, proxy=settings.proxy)
    if INBOUND in names:
        intake = Intake(settings.inbound, context, context_consumer.caught_up, writer.write, clock)
        work += list(_inbound(settings, intake, http, clock, listening))
    log.info("notifying %s", ", ".join(name for name in names if name != INBOUND))
    try:
        await _run_until_stopped(context_consumer.run(), work)
    finally:
        await writer.close()
        closing = [*(each.close() for each in sinks.values()), *(each.close() for each in logs)]
        closing += [*(each.close() for each in announcing), *(each.close() for each in archives), http.close()]
        await asyncio.gather(*closing)


def _inbound(
    settings: SinkSettings, intake: Intake, http: Http, clock: Clock, listening: socket.socket | None
) -> Iterator[Coroutine[Any, Any, None]]:
    """The work of what comes in: the port, and the connection to Slack."""
    given, api_url = settings.inbound, settings.slack.api_url
    if listening is not None:
        yield Inbound(given, intake, http, clock, api_url).run(listening)
    if given.slack_app_token is not None:
        yield SlackSocket(given.slack_app_token, api_url, intake, http, clock, settings.proxy).run()


async def _write_own_records(
    context: NotificationContext,
    consumer: ContextConsumer,
    write: Write,
    changed: Callable[[], None],
    settings: SinkSettings,
    clock: Clock,
) -> None:
    """Write the incidents of datacenters, and the announcements of silences, until cancelled."""
    await consumer.caught_up()
    while True:
        records = context.lost_datacenters(clock.now())
        if settings.notify.announce_silences != "never":
            records += context.announcements.due(clock.now())
        for record in records:
            await write(record)
        if records:
            changed()
        await clock.sleep(OWN_RECORDS_EVERY_S)


def _wake(consumers: Sequence[IncidentConsumer]) -> None:
    for consumer in consumers:
        consumer.wake()


async def _run_until_stopped(context: Coroutine[Any, Any, None], work: list[Coroutine[Any, Any, None]]) -> None:
    """Run everything until SIGTERM; the context consumer ends last. Raises the error of a task that failed."""
    following = asyncio.create_task(context)
    workers = [asyncio.create_task(each) for each in work]
    stopping = asyncio.create_task(shutdown_requested())
    try:
        ended, _ = await asyncio.wait({stopping, following, *workers}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(stopping, *workers)
        await end(following)
    for task in ended:
        task.result()
