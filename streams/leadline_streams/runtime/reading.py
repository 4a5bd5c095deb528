"""Reads what a record of the samples holds: its observation, its cluster, and the time of a tick."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from leadline.clock import moment
from leadline.deadletters import Rejected
from leadline.errors import BadRecord
from leadline.model.ids import LONGEST_NAME, ClusterName
from leadline.model.observation import Sample
from leadline.recording import Recorded
from leadline.rows import GROUPS, MOST_ROWS, cut
from leadline.wire import MAX_RECORD_BYTES, OBSERVATIONS, UNPROCESSABLE

BROKER_TIME = 1
"""The type of a record's time that its broker has set."""
LATEST_S = 32_503_680_000.0
"""The year 3000."""
TICK_TOLERANCE_S = 5.0
"""A tick may have waited so long for its broker."""


def cluster_name(key: bytes) -> ClusterName | None:
    """The name of the cluster whose key it is; None where it is none's."""
    try:
        name = key.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return ClusterName(name) if 0 < len(name) <= LONGEST_NAME else None


def named(error: Exception) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {error}"


def decoded(value: bytes) -> Any:
    """An observation, of a large sample no more rows than are judged. Raises BadRecord, whatever is wrong."""
    try:
        seen = OBSERVATIONS.decode(value)
        if len(value) > MAX_RECORD_BYTES and isinstance(seen, Sample):
            return cut(seen, dict.fromkeys(GROUPS, MOST_ROWS))
        return seen
    except BadRecord:
        raise
    except Exception as error:
        raise BadRecord(UNPROCESSABLE, named(error)) from error


def written_at(record: Any) -> float:
    """The time of a record in seconds since 1970, within the years that can be written."""
    return min(max(0.0, float(record.timestamp) / 1000), LATEST_S)


def placed(bad: Rejected, topic: str, partition: int) -> Rejected:
    """The same with the record's place, of which the transport's records hold only the offset."""
    it = bad.record
    return replace(bad, record=Recorded(topic, partition, it.offset, it.timestamp, it.key, list(it.headers), it.value))


def bounded(at: datetime, record: Any) -> datetime:
    """The time of a tick: the broker's where the worker that wrote it has another, as its clock is wrong."""
    if record.timestamp_type != BROKER_TIME:
        return at
    appended = moment(written_at(record))
    return at if abs((at - appended).total_seconds()) <= TICK_TOLERANCE_S else appended
