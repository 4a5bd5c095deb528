"""The reading of ``leadline explain`` from Kafka: what the sinks wrote about incidents."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from leadline.settings.common import KafkaSettings
from leadline.topic_table import latest, of_key
from leadline.wire import ACTIONS, DELIVERIES, INCIDENTS, SILENCES

if TYPE_CHECKING:
    from leadline_streams.explain.held_back import Notified

CLIENT = "leadline-explain"
MOST_INCIDENTS = 5
"""Acknowledgements are read of so many incidents."""


async def notified(
    kafka: KafkaSettings, cluster: str, about: Collection[str], incidents: Collection[str], at: datetime
) -> "Notified":
    """The records of the sinks about the incidents of a subject that were open at a time, or are remembered."""
    from leadline_console import concerned

    records = (await latest(kafka, INCIDENTS, CLIENT)).values()
    ours = concerned.concerned(records, cluster, about, incidents, at)
    idents = sorted({each.incident_id for each in ours} | set(incidents))[:MOST_INCIDENTS]
    actions = [each for ident in idents for each in await of_key(kafka, ACTIONS, CLIENT, ident)]
    deliveries = (await latest(kafka, DELIVERIES, CLIENT)).values()
    return concerned.notified(ours, incidents, deliveries, actions, (await latest(kafka, SILENCES, CLIENT)).values())
