"""Creates the topics in Kafka, and compares them with their declarations."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leadline.clock import SystemClock
from leadline.errors import UnreachableError, UsageError
from leadline.kafka import client_options, reach
from leadline.settings.common import KafkaSettings
from leadline.topic_specs import BROKER_TIME, MAX_BYTES, TOPICS, TopicSpec

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

PARTITIONS: Final = 12
"""Fixed at creation: another count would send a cluster's records elsewhere than its earlier ones."""
REPLICAS: Final = 3
"""As far as there are so many brokers. With three, one may be lost while another is being restarted."""
SEEN_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as Kafka has it. ``wrong`` lists what to repair; it is empty when the topic is as declared."""

    name: str
    partitions: int
    replicas: int
    config: dict[str, str]
    """Present values of the entries that are declared here."""
    wrong: tuple[str, ...]


async def create(kafka: KafkaSettings, partitions: int = PARTITIONS, replicas: int | None = None) -> list[str]:
    """Create the topics that are missing, and return their names when they can be used. Existing ones stay unchanged.

    Raises UnreachableError, and UsageError when Kafka refuses.
    """
    from aiokafka.admin import NewTopic
    from aiokafka.errors import for_code

    async with _admin(kafka) as admin:
        cluster = await admin.describe_cluster()
        brokers = {broker["node_id"] for broker in cluster["brokers"]}
        if cluster["controller_id"] not in brokers:
            raise UsageError(
                f"Kafka at {kafka.bootstrap} cannot create topics: it has no controller. "
                "The in-memory broker has none; it creates a topic when it is first used"
            )
        there = set(await admin.list_topics())
        missing = {name: spec for name, spec in _named(kafka).items() if name not in there}
        copies = replicas or min(REPLICAS, len(brokers))
        wanted = [NewTopic(name, partitions, copies, topic_configs=spec.config()) for name, spec in missing.items()]
        response = await admin.create_topics(wanted)
        refused = {name: text or for_code(code).__name__ for name, code, text in response.topic_errors if code}
        if refused:
            reasons = "; ".join(dict.fromkeys(refused.values()))
            raise UsageError(f"Kafka at {kafka.bootstrap} refuses to create {', '.join(refused)}: {reasons}")
        await _seen(admin, missing.keys())
    return list(missing)


async def _seen(admin: "AIOKafkaAdminClient", names: AbstractSet[str]) -> None:
    """Wait until the brokers list topics that the controller has created, which takes a moment."""
    try:
        async with asyncio.timeout(SEEN_S):
            while not names <= set(await admin.list_topics()):
                await SystemClock().sleep(0.05)
    except TimeoutError:
        raise UnreachableError(
            f"topics were created, but not all are listed after {SEEN_S:g} s; run `leadline topics describe`"
        ) from None


async def describe(kafka: KafkaSettings) -> list[TopicState]:
    """The topics as Kafka has them, in the order of their declaration. Raises UnreachableError."""
    async with _admin(kafka) as admin:
        # All topics: asking for one by name creates it on a broker that creates topics when they are used.
        there = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
        named = _named(kafka)
        configs = await _configs(admin, [name for name in named if name in there])
    expected = len(there.get(kafka.topic_prefix + "samples", ())) or PARTITIONS
    return [_state(name, spec, there.get(name, []), configs.get(name, {}), expected) for name, spec in named.items()]


async def largest_records(kafka: KafkaSettings, names: Sequence[str]) -> dict[str, int]:
    """The largest record that Kafka takes in each topic, in bytes, as far as it states it to us.

    ``names``: without the prefix. Raises UnreachableError.
    """
    async with _admin(kafka) as admin:
        configs = await _configs(admin, [kafka.topic_prefix + name for name in names])
    found = {name: configs.get(kafka.topic_prefix + name, {}).get(MAX_BYTES) for name in names}
    return {name: int(limit) for name, limit in found.items() if limit is not None}


async def require(kafka: KafkaSettings) -> None:
    """Raise UnreachableError when Kafka does not answer or a topic is missing. It needs Describe only."""
    async with _admin(kafka) as admin:
        there = set(await admin.list_topics())
    missing = [name for name in _named(kafka) if name not in there]
    if missing:
        raise UnreachableError(
            f"Kafka at {kafka.bootstrap} has no topic {', '.join(missing)}; run `leadline topics create`, "
            "grant Describe on it, or set kafka.topic_prefix"
        )


async def require_group(kafka: KafkaSettings, group: str) -> None:
    """Raise UsageError without the rights of a worker to its group: it would wait for them without a word.

    They are those to the consumer group, and to the transactional ids that begin with its name.
    """
    from aiokafka.errors import (
        GroupAuthorizationFailedError,
        GroupCoordinatorNotAvailableError,
        TransactionalIdAuthorizationFailed,
    )

    from leadline.kafka_errors import reason

    wanted = {
        0: GroupAuthorizationFailedError(group),
        1: TransactionalIdAuthorizationFailed(f"{group}-0"),
    }
    async with _admin(kafka) as admin:
        for kind, refused in wanted.items():
            try:
                await admin.find_coordinator(refused.args[0], kind)
            except GroupCoordinatorNotAvailableError:
                continue  # of a new Kafka, which asks for the right first
            except type(refused):
                raise UsageError(f"Kafka at {kafka.bootstrap}: {reason(refused)}") from None


def _named(kafka: KafkaSettings) -> dict[str, TopicSpec]:
    return {kafka.topic_prefix + spec.name: spec for spec in TOPICS.values()}


def _state(name: str, spec: TopicSpec, there: list[Any], config: dict[str, str], partitions: int) -> TopicState:
    config = {key: value for key, value in config.items() if key in spec.config()}
    wrong: list[str] = []
    if not there:
        wrong.append("missing; run `leadline topics create`")
    elif len(there) != partitions:
        wrong.append(f"has {len(there)} partitions and the samples have {partitions}; the numbers must be equal")
    for key, value in spec.config().items():
        if key in config and set(config[key].split(",")) != set(value.split(",")):
            wrong.append(f"{key} is {config[key]}, expected {value}")
    replicas = min((len(partition["replicas"]) for partition in there), default=0)
    return TopicState(name, len(there), replicas, config, tuple(wrong))


async def _configs(admin: "AIOKafkaAdminClient", names: list[str]) -> dict[str, dict[str, str]]:
    """Configuration of topics in the declared keys; empty where the broker cannot describe it."""
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
    from aiokafka.errors import IncompatibleBrokerVersion

    wanted = dict.fromkeys(("cleanup.policy", "retention.ms", MAX_BYTES, *BROKER_TIME), "")
    try:
        answers = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, wanted) for name in names]
        )
    except IncompatibleBrokerVersion:
        return {}
    return {
        topic: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for code, _, _, topic, entries in answer.resources
        if not code
    }


@asynccontextmanager
async def _admin(kafka: KafkaSettings) -> AsyncIterator["AIOKafkaAdminClient"]:
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    await reach(kafka)
    admin = AIOKafkaAdminClient(**client_options(kafka, "leadline-topics"))
    try:
        await admin.start()
        yield admin
    except KafkaError as error:
        raise UnreachableError(f"request to Kafka at {kafka.bootstrap} failed: {error}") from error
    finally:
        await admin.close()
