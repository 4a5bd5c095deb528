"""Reading a topic of Kafka: what a record holds, and how bad ones are passed over."""

import logging
from typing import Any, TypeVar

from leadline import metrics
from leadline.errors import BadRecord
from leadline.wire import Codec

FETCH_WAIT_MS = 250
"""How long a broker may keep a fetch waiting for records; the embedded one always does."""
REPLAY = "leadline-replay"
"""Name of the header of records that were made from others once more; people are not told of them unasked."""

T = TypeVar("T")
log = logging.getLogger(__name__)


def decoded(codec: Codec[T], record: Any) -> T | None:
    """The value of a record; None, logged and counted, where it cannot be used, and where there is none."""
    if record.value is None:
        return None
    try:
        return codec.decode(record.value)
    except BadRecord as bad:
        metrics.SINK_BAD_RECORDS.labels(codec.name, bad.reason).inc()
        where = f"{record.topic}[{record.partition}] offset {record.offset}"
        log.warning("passing over %s: %s", where, ascii(str(bad)))
        return None


def replayed(record: Any) -> bool:
    """Whether a record was made by judging old ones again."""
    return any(name == REPLAY for name, _ in record.headers)
