"""A server with 5000 slots and 1000 subscriptions: its agent's looks pass through Kafka and are judged.

Whole states that exceed the 1 MB of a broker's default, and are compressed instead:
https://github.com/NordicHPC/sonar/issues/276 (jobs of a large cluster, sent as one message of JSON).
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from leadline.clock import SystemClock
from leadline.model.observation import Sample
from leadline.model.vitals import Vitals
from leadline.settings.agent import AgentSettings, InstanceSettings, SpoolSettings
from leadline.settings.common import KafkaSettings
from leadline.settings.secret import Secret
from leadline_agents import service
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.runtime.reading import decoded
from tests.fixtures.brokers import Broker
from tests.fixtures.fleets import DEFAULT
from tests.fixtures.postgres_versions import binaries_for

SLOTS, SUBSCRIPTIONS = 5000, 1000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """It has slots that nobody reads, and subscriptions that are disabled."""
    with Fleet(binaries_for(DEFAULT)) as fleet:
        server = fleet.primary("pg-1", {"max_replication_slots": str(SLOTS), "max_logical_replication_workers": "1"})
        server.execute(
            "SELECT count(pg_create_physical_replication_slot('a_slot_of_a_customer_' || n, true)) "
            f"FROM generate_series(1, {SLOTS}) AS n",
            f"""DO $$ BEGIN FOR n IN 1..{SUBSCRIPTIONS} LOOP
                EXECUTE format('CREATE SUBSCRIPTION %I CONNECTION ''host=db-1 dbname=app'' PUBLICATION everything '
                               'WITH (connect = false, enabled = false, slot_name = NONE)', 'a_subscription_' || n);
            END LOOP; END $$""",
        )
        yield server


@pytest.mark.parametrize("wire_form", ["whole", "vitals"])
async def test_a_server_with_thousands_of_slots_is_judged(
    server: Server, any_broker: Broker, prefix: str, tmp_path: Path, wire_form: str
) -> None:
    """Each of them, in both forms, within the size that a broker takes by default."""
    topic = f"{prefix}samples"
    any_broker.create_topic(topic)
    settings = AgentSettings(
        instances=[InstanceSettings(dsn=Secret(server.dsn(user=AGENT)), name="pg-1", cluster="orders")],
        interval_s=2.0,
        wire=wire_form,
        kafka=KafkaSettings(bootstrap=any_broker.bootstrap, topic_prefix=prefix),
        spool=SpoolSettings(path=str(tmp_path / "spool")),
    )
    state = ClusterState("orders", judgement(Policy(rules={"slot_inactive": {"for_s": 0.0}})))
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=any_broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    agent = asyncio.create_task(service.run(settings, SystemClock()))
    sizes: dict[type, list[int]] = {}
    try:
        async with asyncio.timeout(40):
            while not _is_judged(state) or (wire_form == "vitals" and Vitals not in sizes):
                state.tick(SystemClock().now())
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        seen = decoded(record.value)
                        state.observe(seen)
                        sizes.setdefault(Vitals if isinstance(seen, Vitals) else type(seen), []).append(
                            len(record.value)
                        )
    finally:
        agent.cancel()
        await asyncio.wait({agent})
        await consumer.stop()
    node = state.memory.nodes["pg-1"]
    assert node.sample is not None
    assert (len(node.sample.slots), len(node.sample.subscriptions), node.sample.left_out) == (SLOTS, SUBSCRIPTIONS, {})
    assert max(sizes[Sample]) > 1_048_576
    disabled = [alert for alert in state.memory.alerts.values() if alert.rule == "subscription_disabled"]
    assert len(disabled) == SUBSCRIPTIONS


def _is_judged(state: ClusterState) -> bool:
    node = state.memory.nodes.get("pg-1")
    return node is not None and node.sample is not None
