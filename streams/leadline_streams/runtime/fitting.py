"""Outputs that are too large for a record: long texts and lists are cut. An incident states that it was."""

from typing import Any, Final, TypeVar

import msgspec

from leadline.model.incident import Incident, TimelineEntry
from leadline.model.lag import LagRollup
from leadline.model.status import LinkStatus, NodeStatus
from leadline.wire import STATUS, Outgoing, outgoing, tombstone
from leadline_streams.judge.status import Forgotten
from leadline_streams.runtime.fold import Output

STEPS: Final = ((8000, 400), (2000, 200), (500, 100), (200, 20))
"""Longest text, in characters, and most items of a list, tried in turn."""
IDENTITIES: Final = frozenset(
    {
        *(
            "incident_id",
            "alert_id",
            "audit_id",
            "change_id",
            "finding_id",
            "cluster",
            "link",
            "node",
            "upstream",
            "downstream",
        ),
        *("merged_into", "parted_from"),
    }
)
"""Fields by which records are recognized: they are never cut."""
MOST_FIELDS: Final = 64
"""No value has so many fields: a larger table is one of labels or counts, which are cut like a list."""

T = TypeVar("T", bound=msgspec.Struct)


def record_of(output: Output, prefix: str, partition: int, largest_bytes: int) -> Outgoing:
    """An output as a record. Roll-ups and statuses are in the partition of their samples. Raises ValueError."""
    if isinstance(output, Forgotten):
        return tombstone(STATUS, output.ident, prefix, partition)
    place = partition if isinstance(output, LagRollup | LinkStatus | NodeStatus) else None
    return fitted(output, prefix, place, largest_bytes)


def fitted(value: Any, prefix: str, partition: int | None, largest_bytes: int) -> Outgoing:
    """The record of a value, shortened as far as its readers and Kafka demand. Raises ValueError when that is not
    enough."""
    record = outgoing(value, prefix, partition)
    for longest_chars, most_items in STEPS:
        if len(record.value or b"") <= largest_bytes:
            return record
        record = outgoing(shortened(value, longest_chars, most_items), prefix, partition)
    if len(record.value or b"") > largest_bytes:
        raise ValueError(
            f"a record of {record.topic} has {len(record.value or b'')} bytes, the limit is {largest_bytes}"
        )
    return record


def shortened(value: T, longest_chars: int, most_items: int) -> T:
    """A value with shorter texts and lists. Of a list the beginning and the end are kept; of a text the beginning."""
    if isinstance(value, Incident) and value.timeline:
        what = "this record was too large for Kafka: long texts and lists in it are cut; the alerts topic has all"
        value = msgspec.structs.replace(
            value, timeline=[*value.timeline, TimelineEntry(at=value.timeline[-1].at, what=what)]
        )
    plain = msgspec.to_builtins(value)
    return msgspec.convert(_cut(plain, longest_chars, most_items), type(value))


def _cut(plain: Any, longest_chars: int, most_items: int) -> Any:
    if isinstance(plain, str):
        return plain if len(plain) <= longest_chars else plain[: longest_chars - 1] + "…"
    if isinstance(plain, list):
        half = most_items // 2
        kept = plain if len(plain) <= most_items else [*plain[:half], *plain[-half:]]
        return [_cut(each, longest_chars, most_items) for each in kept]
    if isinstance(plain, dict):
        items = list(plain.items())[: most_items if len(plain) > MOST_FIELDS else None]
        return {name: each if name in IDENTITIES else _cut(each, longest_chars, most_items) for name, each in items}
    return plain
