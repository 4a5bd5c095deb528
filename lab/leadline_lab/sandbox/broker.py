"""Kafka in memory: librdkafka's mock cluster, which serves the Kafka protocol over TCP from within this process."""

import ctypes
from collections.abc import Mapping
from typing import Self

from leadline.errors import UnreachableError, UsageError

PRODUCER = 0
"""RD_KAFKA_PRODUCER in rdkafka.h: the mock cluster lives in a client, of whatever type."""
ERRORS = b"3"
"""Of syslog's levels: the client itself connects nowhere, and would warn of that."""
NODE = 1
"""The only broker's id."""

# rdkafka.h and rdkafka_mock.h: name, result, arguments. None is void, handles are opaque.
POINTER, INT, TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
SIGNATURES: Mapping[str, tuple[type | None, list[type]]] = {
    "rd_kafka_conf_new": (POINTER, []),
    "rd_kafka_conf_set": (INT, [POINTER, TEXT, TEXT, TEXT, ctypes.c_size_t]),
    "rd_kafka_new": (POINTER, [INT, POINTER, TEXT, ctypes.c_size_t]),
    "rd_kafka_destroy": (None, [POINTER]),
    "rd_kafka_err2str": (TEXT, [INT]),
    "rd_kafka_mock_cluster_new": (POINTER, [POINTER, INT]),
    "rd_kafka_mock_cluster_destroy": (None, [POINTER]),
    "rd_kafka_mock_cluster_bootstraps": (TEXT, [POINTER]),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [POINTER, ctypes.c_int32]),
    "rd_kafka_mock_topic_create": (INT, [POINTER, TEXT, INT, INT]),
    "rd_kafka_mock_broker_set_down": (INT, [POINTER, ctypes.c_int32]),
    "rd_kafka_mock_broker_set_up": (INT, [POINTER, ctypes.c_int32]),
}


class EmbeddedBroker:
    """One broker, for trying, tests and ``leadline watch``. Everything in it is gone when it is closed.

    Good for idempotent producers, any number of consumer groups of one member each, and commits. What it does not do
    (librdkafka, src/rdkafka_mock*.c):

    - share a group among members: it completes a rebalance with the leader's SyncGroup and refuses those that come
      later as InvalidRequest, of which aiokafka's consumer dies;
    - hand a group over at once: who joins after another left or died waits for that one's session timeout less 1 s,
      and after a kill for the timeout itself before that (9 s and 19 s with aiokafka's default of 10 s);
    - answer CreateTopics or any other administrator's request: use ``create_topic``. A topic that a client asks for
      without that gets 4 partitions;
    - keep more than 5 MiB or 100000 batches in a partition: it drops the oldest, whatever the topic's policy says;
    - find offsets by time, compact, expire, limit the size of records, authenticate, encrypt.
    """

    def __init__(self) -> None:
        self._kafka = _librdkafka()
        error = ctypes.create_string_buffer(512)
        settings = self._kafka.rd_kafka_conf_new()
        self._kafka.rd_kafka_conf_set(settings, b"log_level", ERRORS, None, 0)
        self._client = self._kafka.rd_kafka_new(PRODUCER, settings, error, len(error))
        if not self._client:
            raise UnreachableError(f"librdkafka does not start: {error.value.decode()}")
        self._cluster = self._kafka.rd_kafka_mock_cluster_new(self._client, 1)
        # The first member of a group need not wait 3 s for others.
        self._kafka.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.bootstrap: str = self._kafka.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        """``127.0.0.1:port``."""

    def create_topic(self, name: str, partitions: int = 12) -> None:
        """Create a topic. Raises UnreachableError, with Kafka's reason, when there is one already."""
        self._check(self._kafka.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1))

    def down(self) -> None:
        """Drop every connection and answer none, until ``up``. What is stored stays."""
        self._check(self._kafka.rd_kafka_mock_broker_set_down(self._cluster, NODE))

    def up(self) -> None:
        """Undo ``down``."""
        self._check(self._kafka.rd_kafka_mock_broker_set_up(self._cluster, NODE))

    def close(self) -> None:
        """Drop everything. Harmless a second time."""
        if self._client:
            self._kafka.rd_kafka_mock_cluster_destroy(self._cluster)
            self._kafka.rd_kafka_destroy(self._client)
            self._client = self._cluster = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self, error: int) -> None:
        if error:
            raise UnreachableError(f"the embedded broker: {self._kafka.rd_kafka_err2str(error).decode()}")


def _librdkafka() -> ctypes.CDLL:
    """The librdkafka under confluent-kafka, whose Python interface leaves most of the mock cluster out."""
    try:
        from confluent_kafka import cimpl
    except ImportError as missing:
        raise UsageError("the embedded broker needs confluent-kafka: pip install 'leadline[watch]'") from missing
    # Symbols are looked up in what the module itself links to, too: wherever its librdkafka is.
    library = ctypes.CDLL(cimpl.__file__)
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
