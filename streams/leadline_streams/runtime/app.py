"""The Faust application: a consumer group on the samples topic, a table of states, and the worker between them.

With ``transport`` and ``recovery`` the only place that imports Faust. Every setting that matters is set here; Faust's
own command line, web server, retries and topic creation are not used.
"""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable
from typing import Any, cast

import faust
from aiokafka.errors import KafkaError

from leadline.clock import Clock
from leadline.errors import UnreachableError
from leadline.kafka import faust_options, reach
from leadline.kafka_claim import TURNS_TO_SEND
from leadline.kafka_errors import reason
from leadline.settings.stream import StreamSettings
from leadline.topic_specs import MAX_STATE_BYTES
from leadline.topics import largest_records, require_group
from leadline.wire import ALERTS, AUDITS, CHANGES, INCIDENTS, LAG, MAX_RECORD_BYTES, OBSERVATIONS, STATUS
from leadline_streams.assembly import ClusterFactory, auditor_of
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.runtime import gauges
from leadline_streams.runtime.kafka_log import KafkaLog
from leadline_streams.runtime.recovery import OwnersTables
from leadline_streams.runtime.saving import STATES
from leadline_streams.runtime.shadow_report import shadow_of
from leadline_streams.runtime.transport import (
    MAX_BATCHES,
    MAX_WAITING,
    ChunkConsumer,
    ChunkTransport,
    Fetch,
    OnceProducer,
    Untouched,
)
from leadline_streams.runtime.worker import Worker

SESSION_S = 10.0
"""Kafka gives a worker up after this time without a heartbeat; its partitions then go to another one."""
MAX_POLL_S = 300.0
"""A worker that asks Kafka for no records for this long leaves the group, since it hangs."""
HEARTBEAT_S = 3.0
GC_THRESHOLD = (250_000, 20, 100)
"""Threshold of the garbage collector. Chunks are tens of thousands of live objects: scanning them finds no garbage."""
MAX_BATCH_BYTES = 256 * 1024
"""A chunk's roll-ups in one batch, well below the 1 MB that a broker takes by default."""
OUTPUTS = (ALERTS.name, INCIDENTS.name, STATUS.name, LAG.name, AUDITS.name, CHANGES.name)
"""The topics of what is judged, without the prefix."""
BATCH_BYTES = 1024
"""More than a batch of one record takes beside its key and value."""
STOP_S = 10.0
"""Longest wait for leaving the consumer group."""
LEAVE_S = 2.0
"""Longest wait for tasks that are still running then: some tasks of the libraries ignore cancellation."""

log = logging.getLogger(__name__)


class StreamApp(faust.App):
    """A Faust application whose worker owns its partitions before recovery, and starts where recovery ends."""

    worker: Worker

    def on_rebalance_end(self) -> None:
        """Called when states are recovered and reading resumes."""
        super().on_rebalance_end()
        self.worker.assign()

    def _create_directories(self) -> None:
        """Do nothing: Faust would create folders for tables on disk, and there are none."""


def build(
    settings: StreamSettings,
    clock: Clock,
    policy: Policy,
    state_bytes: int = MAX_STATE_BYTES,
    output_bytes: int = MAX_RECORD_BYTES,
) -> StreamApp:
    """An application that is ready to start: one processor, one table, and a worker.

    ``state_bytes``, ``output_bytes``: the largest state, and the largest value of another topic, that is sent. One that
    brokers refuse would break the order of those after it.
    """
    prefix = settings.kafka.topic_prefix
    options = _options(settings) | {"producer_max_request_size": state_bytes}
    app = StreamApp(consumer_group(settings), **options)
    samples = app.topic(prefix + OBSERVATIONS.name, schema=Untouched(), acks=False, maxsize=MAX_WAITING)
    states = app.topic(prefix + STATES, key_serializer="raw", value_serializer="raw", acks=False, internal=True)
    table = app.Table(STATES, key_type=bytes, value_type=bytes, changelog_topic=states)

    async def judge(fetches: faust.StreamT[Fetch]) -> None:
        async for fetch in fetches:
            for chunk in fetch:
                urgent = await app.worker.process(chunk)
                for _ in range(TURNS_TO_SEND if urgent else 1):  # an alert leaves before the next is judged
                    await clock.sleep(0)

    async def release(*_: object, **__: object) -> None:
        await app.worker.release()

    app.agent(samples, name="judge")(judge)
    app.on_partitions_revoked.connect(release)
    app.finalize()
    app.transport = ChunkTransport(app.conf.broker, app)
    consumer, producer = cast(ChunkConsumer, app.consumer), cast(OnceProducer, app.producer)
    kafka = KafkaLog(consumer, producer, consumer_group(settings), prefix + OBSERVATIONS.name, prefix + STATES)
    app.worker = Worker(
        settings,
        clock,
        ClusterFactory(policy, auditor_of(settings), shadow_of(settings)),
        kafka,
        table.data,
        output_bytes,
    )
    consumer.topic, consumer.committable = prefix + OBSERVATIONS.name, app.worker.committable
    return app


def consumer_group(settings: StreamSettings) -> str:
    """The name of the workers' consumer group. Two installations on one Kafka differ in the prefix, so in this too."""
    return settings.application_id or f"{settings.kafka.topic_prefix}stream"


async def work(app: StreamApp, clock: Clock, stop: asyncio.Event, most_gauges: int = 0) -> None:
    """Run an application until ``stop`` is set. Raises the error that ended it.

    ``most_gauges``: so many links, nodes and slots have gauges of their own.
    """
    worker = app.worker
    counting = gauges.keep(lambda: cast(list[ClusterState], worker.folds()), worker.aside, clock, most_gauges)
    tasks = [asyncio.create_task(_never_fails(worker, part)) for part in (app.start(), worker.beat(), counting)]
    ends: list[asyncio.Future[Any]] = [
        worker.failed,
        asyncio.create_task(stop.wait()),
        asyncio.create_task(app.wait_until_stopped()),
    ]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if app.crash_reason is not None:
            worker.fail(app.crash_reason)
        await worker.stop()
        async with asyncio.timeout(STOP_S):
            await app.stop()
    except TimeoutError:
        log.warning("Kafka does not let go in %g s; leaving all the same", STOP_S)
    finally:
        for task in (*tasks, *ends[1:]):
            task.cancel()
    if worker.failed.done():
        await worker.failed


async def _never_fails(worker: Worker, part: Awaitable[object]) -> None:
    try:
        await part
    except Exception as error:
        worker.fail(error)


def _options(settings: StreamSettings) -> dict[str, Any]:
    kafka = faust_options(settings.kafka)
    ssl, sasl, tokens = kafka["ssl_context"], kafka["sasl"], kafka["tokens"]
    credentials: faust.SASLCredentials | faust.OAuthCredentials | faust.SSLCredentials | None = None
    if tokens is not None:
        credentials = faust.OAuthCredentials(oauth_cb=tokens, ssl_context=ssl)
    elif sasl is not None:
        credentials = faust.SASLCredentials(**sasl, ssl_context=ssl)
    elif ssl is not None:
        credentials = faust.SSLCredentials(context=ssl)
    return {
        "broker": kafka["broker"],
        "broker_credentials": credentials,
        "broker_client_id": consumer_group(settings),
        "broker_commit_interval": 1.0,
        "broker_session_timeout": SESSION_S,
        "broker_heartbeat_interval": HEARTBEAT_S,
        "broker_request_timeout": 40.0,
        "broker_max_poll_interval": MAX_POLL_S,
        "broker_max_poll_records": MAX_BATCHES,
        "consumer_auto_offset_reset": "earliest",
        "producer_acks": -1,
        "producer_linger": 0.0,  # an alert waits for nothing; what comes while a request is out is sent together
        "producer_max_batch_size": MAX_BATCH_BYTES,
        "producer_request_timeout": 30.0,
        "processing_guarantee": "at_least_once",
        "stream_wait_empty": False,
        "store": "memory://",
        "TableManager": OwnersTables,
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
        "autodiscover": False,
    }


async def serve(settings: StreamSettings, clock: Clock, policy: Policy, stop: asyncio.Event) -> None:
    """Judge what is on the samples topic until ``stop`` is set.

    Raises UnreachableError when Kafka is not there or goes away, UsageError when it refuses a setting, ProblemFound
    when too many records are bad or a stored state cannot be read.
    """
    address = await reach(settings.kafka)
    log.info("judging %s%s at %s", settings.kafka.topic_prefix, OBSERVATIONS.name, address)
    try:
        await require_group(settings.kafka, consumer_group(settings))
        taken = await largest_records(settings.kafka, (STATES, *OUTPUTS))
        state_bytes = taken.pop(STATES, MAX_STATE_BYTES + BATCH_BYTES) - BATCH_BYTES
        output_bytes = min([MAX_RECORD_BYTES, *(limit - BATCH_BYTES for limit in taken.values())])
        shown = settings.gauges.max_subjects if settings.metrics.is_on else 0
        await work(build(settings, clock, policy, state_bytes, output_bytes), clock, stop, shown)
    except KafkaError as error:
        raise UnreachableError(f"Kafka at {address} failed: {reason(error)}; see whether it is well") from error


def run(settings: StreamSettings, clock: Clock, policy: Policy) -> None:
    """``serve`` until SIGTERM or SIGINT."""

    async def until_signalled() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await serve(settings, clock, policy, stop)

    gc.set_threshold(*GC_THRESHOLD)
    runner = asyncio.Runner()
    try:
        runner.run(until_signalled())
    finally:
        _leave(runner)


def _leave(runner: asyncio.Runner) -> None:
    """Cancel the tasks that still run. Those that ignore it end with the process; asyncio would wait for ever."""
    loop = runner.get_loop()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=LEAVE_S))
    if asyncio.all_tasks(loop):
        log.warning("leaving %d tasks that do not end", len(asyncio.all_tasks(loop)))
        loop.set_exception_handler(lambda *_: None)
        loop.close()
    else:
        runner.close()
