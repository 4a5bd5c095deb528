"""The refusal of silences that can match no incident: by the catalogue, and by what Kafka shows."""

from collections.abc import Mapping
from datetime import datetime

from leadline.errors import UsageError
from leadline.settings.common import KafkaSettings
from leadline.topic_table import latest
from leadline.wire import INCIDENTS, STATUS

STILL_TO_COME = "give --unknown"


async def check(
    matchers: Mapping[str, str], kafka: KafkaSettings, client: str, now: datetime, *, unknown: bool
) -> None:
    """Raise UsageError for matchers that no incident can have.

    Clusters, datacenters and incidents must be known in Kafka, unless ``unknown``. The topic of incidents is large, so
    it is read only where the others do not suffice. Raises UnreachableError.
    """
    from leadline_sinks.notify.known_names import SEEN, KnownNames, require_possible

    by_topics = not unknown and not SEEN.isdisjoint(matchers)
    statuses = (await latest(kafka, STATUS, client)).values() if by_topics else ()
    if "incident" not in matchers:
        try:
            return require_possible(matchers, KnownNames.of(statuses), now, STILL_TO_COME, unknown=unknown)
        except UsageError:
            pass  # incidents may have names that no server has: of Leadline itself, or of another version
    known = KnownNames.of(statuses, (await latest(kafka, INCIDENTS, client)).values())
    require_possible(matchers, known, now, STILL_TO_COME, unknown=unknown)
