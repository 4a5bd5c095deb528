"""Gauges of links, nodes, slots and clusters: all of them are replaced at once, and none outlives what it is about.

A gauge that is set keeps its value until it is set again, so a link that is gone, a partition that another worker has
taken over, or a worker that hangs would go on to show its last value. Here a scrape has the rows of the last look or,
once those are too old, none.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from threading import Lock
from typing import Final, Literal, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Kind = Literal["links", "nodes", "slots", "clusters"]

_LABELS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "links": ("cluster", "link", "upstream", "downstream"),
    "nodes": ("cluster", "node"),
    "slots": ("cluster", "node", "slot"),
    "clusters": ("cluster",),
}
"""The labels of every gauge of a kind of subject: its identity."""


class Declared(NamedTuple):
    """A gauge of each subject of a kind."""

    of: Kind
    meaning: str
    more: tuple[str, ...] = ()
    """Labels beside those of the kind."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label."""
        return (*_LABELS[self.of], *self.more)


LINK_INFO: Final = "leadline_link_info"
LINK_VERDICT: Final = "leadline_link_verdict"
LINK_CONNECTED: Final = "leadline_link_connected"
LINK_LAG: Final = "leadline_link_lag_seconds"
LINK_LAG_AT_MOST: Final = "leadline_link_lag_at_most_seconds"
LINK_BEHIND_BYTES: Final = "leadline_link_behind_bytes"
LINK_BEHIND_TRANSACTIONS: Final = "leadline_link_behind_transactions"
LINK_ENDS_SEEN: Final = "leadline_link_ends_seen"
NODE_HEALTH: Final = "leadline_node_health"
NODE_BLIND: Final = "leadline_node_blind"
SLOT_ACTIVE: Final = "leadline_slot_active"
SLOT_RETAINED: Final = "leadline_slot_retained_bytes"
SLOT_FULL_IN: Final = "leadline_slot_full_in_seconds"
CLUSTER_JUDGED: Final = "leadline_cluster_judged_timestamp_seconds"
CLUSTER_INCIDENTS: Final = "leadline_cluster_incidents_open"

DECLARED: Final[Mapping[str, Declared]] = {
    LINK_INFO: Declared("links", "Always 1; its labels describe a link.", ("kind", "name", "datacenter")),
    LINK_VERDICT: Declared("links", "Always 1; the label is the verdict on the link.", ("verdict",)),
    LINK_CONNECTED: Declared("links", "1 while the link is connected, else 0. Absent while neither end is seen."),
    LINK_LAG: Declared(
        "links",
        "Seconds behind the primary at the root, on its clock; 0 when it is idle. Absent while that is not seen.",
    ),
    LINK_LAG_AT_MOST: Declared(
        "links",
        "Upper bound of the lag while it is known within bounds only, after the primary was first seen.",
    ),
    LINK_BEHIND_BYTES: Declared("links", "Bytes of WAL behind the primary at the root. Absent while that is not seen."),
    LINK_BEHIND_TRANSACTIONS: Declared("links", "The same where positions are transactions."),
    LINK_ENDS_SEEN: Declared("links", "Ends of the link that are seen now: 0, 1 or 2."),
    NODE_HEALTH: Declared("nodes", "Always 1; the labels are what the node is.", ("datacenter", "role", "health")),
    NODE_BLIND: Declared("nodes", "1 while the agent sees only a part of a node that is up, else 0."),
    SLOT_ACTIVE: Declared("slots", "1 while the slot is in use, else 0. Absent while its node is not seen."),
    SLOT_RETAINED: Declared("slots", "Bytes of WAL that the slot retains."),
    SLOT_FULL_IN: Declared(
        "slots",
        "Seconds until the slot is lost or the volume is full, at its present growth. Absent while it does not grow.",
    ),
    CLUSTER_JUDGED: Declared("clusters", "Time up to which the cluster is judged, in seconds since 1970."),
    CLUSTER_INCIDENTS: Declared("clusters", "Incidents open now, by severity.", ("severity",)),
}
"""Every gauge by name."""

Rows = Mapping[str, Mapping[tuple[str, ...], float]]
"""The values of each gauge by their labels, in the order of ``Declared.labels``."""


class SubjectGauges(Collector):
    """The gauges as they were last replaced. Scrapes come from threads of their own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: Rows = {}
        self._until = -inf
        self._monotonic: Callable[[], float] | None = None

    def replace(self, rows: Rows, valid_s: float, monotonic: Callable[[], float]) -> None:
        """Show these rows, and no others, for so long at most by this clock."""
        with self._lock:
            self._rows, self._until, self._monotonic = rows, monotonic() + valid_s, monotonic

    def clear(self) -> None:
        """Show none."""
        with self._lock:
            self._rows = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge, with the rows that are valid now."""
        with self._lock:
            is_valid = self._monotonic is not None and self._monotonic() <= self._until
            rows: Rows = self._rows if is_valid else {}
        for name, declared in DECLARED.items():
            family = GaugeMetricFamily(name, declared.meaning, labels=declared.labels)
            for labels, value in rows.get(name, {}).items():
                family.add_metric(labels, value)
            yield family


def readable(parts: Sequence[str]) -> tuple[str, ...]:
    """Labels as they can be written: one lone surrogate would make a scrape fail for every gauge."""
    if all(part.isascii() for part in parts):
        return tuple(parts)
    return tuple(part.encode("utf-8", "backslashreplace").decode("utf-8") for part in parts)


def registered(registry: CollectorRegistry) -> SubjectGauges:
    """The gauges of a registry."""
    gauges = SubjectGauges()
    registry.register(gauges)
    return gauges
