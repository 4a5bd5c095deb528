"""Sends observations from the outbox to Kafka, and continues after Kafka did not answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from leadline.clock import Clock, epoch
from leadline.errors import LeadlineError
from leadline.kafka_errors import CONNECTION_LOST, reason
from leadline.metrics import AGENT_PUBLISHED
from leadline.model.finding import EngineVitals
from leadline.model.observation import NodeSettings, Sample
from leadline.model.vitals import Vitals
from leadline.signature import Signer
from leadline.wire import MAX_OBSERVATION_BYTES, OBSERVATIONS, SPOOLED, outgoing, outgoing_vitals
from leadline_agents.backoff import delay_s
from leadline_agents.channel import Channel, Message, TooLarge
from leadline_agents.journal import Record
from leadline_agents.outbox import BATCH_RECORDS, Outbox
from leadline_agents.refused_size import RefusedSize

MARK = (SPOOLED, b"1")
"""Last header of a record that is sent late: its time is old although the agent's clock is right."""
LATE_INTERVALS = 2.0
BACKOFF_MOST_S = 10.0

log = logging.getLogger(__name__)


class Publisher:
    """Delivers the records of the outbox in order per cluster, at least once; readers drop repeats by ``(boot, seq)``.

    A batch is sent until Kafka acknowledges it; later records of the same cluster wait for it.
    """

    def __init__(
        self,
        outbox: Outbox,
        connect: Callable[[], Awaitable[Channel]],
        clock: Clock,
        *,
        prefix: str,
        clusters: Iterable[str],
        interval_s: float,
        signer: Signer,
    ) -> None:
        self._outbox = outbox
        self._connect = connect
        self._clock = clock
        self._prefix = prefix
        self._signer = signer
        self._late_s = interval_s * LATE_INTERVALS
        keys = {*outbox.keys(), *(cluster.encode() for cluster in clusters)}
        self._more = {key: asyncio.Event() for key in sorted(keys)}
        self._away = False
        self.channels = 0
        """Connections that were opened."""
        self._refused = RefusedSize(clock)

    @property
    def refused_bytes(self) -> int:
        """The smallest value that Kafka refused for its size lately; 0 for none."""
        return self._refused.bytes

    def put(self, observation: Sample | NodeSettings | EngineVitals, cluster: str = "") -> None:
        """Add an observation of one of the clusters: of ``cluster``, if it is vitals. It does not wait for Kafka."""
        if isinstance(observation, Vitals):
            out = outgoing_vitals(observation, cluster, self._prefix)
        else:
            out = outgoing(observation, self._prefix)
        out = self._signer.sign(out)
        assert out.key is not None
        assert out.value is not None
        if len(out.value) > MAX_OBSERVATION_BYTES:
            sizes = f"{len(out.value)} bytes, and readers accept {MAX_OBSERVATION_BYTES}"
            node = observation.node if isinstance(observation, Vitals) else observation.node.name
            log.error("an observation is too large: %s", sizes, extra={"node": node})
        self._outbox.put(Record(out.key, out.value, out.headers, epoch(observation.sent_at)))
        self._more[out.key].set()

    async def run(self) -> None:
        """Send until cancelled."""
        failures = 0
        while True:
            try:
                channel = await self._connect()
            except (*CONNECTION_LOST, LeadlineError) as error:
                self._note(error)
            else:
                failures = 0
                self.channels += 1
                await self._use(channel)
            await self._clock.sleep(delay_s(failures, BACKOFF_MOST_S))
            failures += 1

    async def drained(self) -> None:
        """Return when all records are acknowledged."""
        while not all(self._outbox.is_empty(key) for key in self._more):
            await self._clock.sleep(0.05)

    async def _use(self, channel: Channel) -> None:
        """Send over this channel until its connection is lost."""
        try:
            # In a task of its own: before Python 3.13 a task whose group failed stays marked as cancelled, and with
            # 3.11.2, the version of Debian 12, no time limit in it raises TimeoutError from then on.
            await asyncio.create_task(self._send_all(channel))
        except* CONNECTION_LOST as lost:
            self._note(lost.exceptions[0])
        finally:
            await channel.close()

    async def _send_all(self, channel: Channel) -> None:
        async with asyncio.TaskGroup() as senders:
            for key in self._more:
                senders.create_task(self._send(channel, key))

    async def _send(self, channel: Channel, key: bytes) -> None:
        most = BATCH_RECORDS
        while True:
            self._more[key].clear()
            while records := self._outbox.take(key, most):
                try:
                    await channel.send(self._prefix + OBSERVATIONS.name, key, [self._message(r) for r in records])
                except TooLarge as error:
                    most = self._lighten(key, records, error)
                except BaseException:
                    self._outbox.failed(key)
                    raise
                else:
                    self._outbox.sent(key)
                    self._note(None)
                    AGENT_PUBLISHED.inc(len(records))
                    most = BATCH_RECORDS
            await self._more[key].wait()

    def _lighten(self, key: bytes, records: list[Record], error: TooLarge) -> int:
        """Handle a batch that Kafka refuses: return how many records to send next. A single record is dropped."""
        if len(records) == 1:
            size = len(records[0].value)
            log.error("Kafka refuses an observation of %d bytes; it is dropped, and the next has less: %s", size, error)
            self._refused.note(size)
            self._outbox.refuse(key)
        else:
            self._outbox.failed(key)
        return 1

    def _message(self, record: Record) -> Message:
        late = epoch(self._clock.now()) - record.made_at > self._late_s
        return record.value, [*record.headers, MARK] if late else record.headers

    def _note(self, error: BaseException | None) -> None:
        """Write a log message when Kafka stops to accept observations, and one when it accepts them again."""
        if error is None and self._away:
            log.info("Kafka accepts observations again")
        elif error is not None and not self._away:
            log.warning("Kafka does not accept observations: %s; they are kept until it does", reason(error))
        self._away = error is not None
