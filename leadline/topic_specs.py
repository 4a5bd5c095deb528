"""The topics, declared once: their values, keys and retention."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from leadline.wire import (
    ACTIONS,
    ALERTS,
    AUDITS,
    CHANGES,
    DELIVERIES,
    INCIDENTS,
    LAG,
    OBSERVATIONS,
    SILENCES,
    STATUS,
    VERIFICATIONS,
    Codec,
)

DAY_S: Final = 86400
BROKER_TIME: Final = {"message.timestamp.type": "LogAppendTime"}
"""Brokers set the times of records. Those of a host with a wrong clock would be refused, or kept for too long."""
MAX_BYTES: Final = "max.message.bytes"
MAX_STATE_BYTES: Final = 16 * 1024 * 1024
"""Largest record of the states: a cluster of thousands of nodes."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic. ``name`` is without the prefix."""

    name: str
    about: str
    key: str
    value: str
    cleanup: Literal["delete", "compact", "compact,delete"]
    retention_s: int | None = None
    max_bytes: int | None = None
    """The largest record that is taken; None for Kafka's own limit, 1 MiB."""
    codec: Codec[Any] | None = None
    """Reads and describes its values; None where the value has a form that is not ours or not public."""

    def config(self) -> dict[str, str]:
        """Its configuration in Kafka's names."""
        config = {"cleanup.policy": self.cleanup, **BROKER_TIME}
        if self.retention_s is not None:
            config["retention.ms"] = str(self.retention_s * 1000)
        if self.max_bytes is not None:
            config[MAX_BYTES] = str(self.max_bytes)
        return config


TOPICS: Final[dict[str, TopicSpec]] = {
    spec.name: spec
    for spec in (
        TopicSpec(
            name="samples",
            about="Observations of the agents, looks for audits, reported findings, retirements of nodes, and ticks.",
            key="cluster",
            value="observation",
            cleanup="delete",
            retention_s=7 * DAY_S,
            codec=OBSERVATIONS,
        ),
        TopicSpec(
            name="alerts",
            about="Every transition of every alert.",
            key="cluster",
            value="alert transition",
            cleanup="delete",
            retention_s=30 * DAY_S,
            codec=ALERTS,
        ),
        TopicSpec(
            name="incidents",
            about="Whole incidents. The record with the highest `seq` is the present one.",
            key="incident id",
            value="incident",
            cleanup="compact,delete",
            retention_s=90 * DAY_S,
            codec=INCIDENTS,
        ),
        TopicSpec(
            name="lag",
            about="Lag of each link over 10 and 60 seconds, for analytics.",
            key="cluster",
            value="roll-up",
            cleanup="delete",
            retention_s=30 * DAY_S,
            codec=LAG,
        ),
        TopicSpec(
            name="status",
            about="The present state of every link and node as judged: verdict, lag, role, health, and since when.",
            key="link or node id",
            value="status, or a tombstone when the link or node is forgotten",
            cleanup="compact",
            codec=STATUS,
        ),
        TopicSpec(
            name="audits",
            about="The dated results of audits: findings, accepted ones, and what was not seen.",
            key="cluster",
            value="audit result",
            cleanup="delete",
            retention_s=90 * DAY_S,
            codec=AUDITS,
        ),
        TopicSpec(
            name="verifications",
            about="The last comparison of the data of each link, and when each table was last proven equal.",
            key="link id",
            value="verification",
            cleanup="compact",
            codec=VERIFICATIONS,
        ),
        TopicSpec(
            name="changes",
            about="Changes of servers: settings, versions and roles, each with the two looks between which it was.",
            key="cluster",
            value="change",
            cleanup="delete",
            retention_s=90 * DAY_S,
            codec=CHANGES,
        ),
        TopicSpec(
            name="state",
            about="The state of each cluster, for the stream workers themselves.",
            key="cluster",
            value="state of a cluster, in a form of its own",
            cleanup="compact",
            max_bytes=MAX_STATE_BYTES,
        ),
        TopicSpec(
            name="actions",
            about="Acknowledgements and notes of people.",
            key="incident id",
            value="action",
            cleanup="delete",
            retention_s=90 * DAY_S,
            codec=ACTIONS,
        ),
        TopicSpec(
            name="silences",
            about="Silences: matching incidents notify nobody.",
            key="silence id",
            value="silence, or a tombstone when it is over",
            cleanup="compact",
            codec=SILENCES,
        ),
        TopicSpec(
            name="deliveries",
            about="The last delivery of each incident to each target.",
            key="incident/target",
            value="last delivered `seq`, and the vendor's ids",
            cleanup="compact",
            codec=DELIVERIES,
        ),
        TopicSpec(
            name="deadletters",
            about="Records that could not be used, with headers that name the reason and the origin.",
            key="the original's",
            value="the original's, without change",
            cleanup="delete",
            retention_s=14 * DAY_S,
        ),
    )
}
