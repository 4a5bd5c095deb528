"""The values that the matchers of a silence can have: by the catalogue, and by what Kafka shows."""

from collections.abc import Mapping, Sequence

from leadline.settings.common import KafkaSettings
from leadline.topic_table import latest
from leadline.wire import INCIDENTS, STATUS


async def check(matchers: Mapping[str, str], kafka: KafkaSettings, client: str, *, unknown: bool) -> None:
    """Raise UsageError for a matcher that no incident can have.

    Clusters, datacenters and incidents must be known in Kafka, unless ``unknown``.
    """
    from leadline_sinks.notify.matchable import FIXED, SEEN, require_match

    for name, pattern in matchers.items():
        if name in FIXED:
            require_match(name, pattern, FIXED[name], "")
        elif name in SEEN and not unknown:
            require_match(name, pattern, await _seen(name, kafka, client), "give --unknown")


async def _seen(name: str, kafka: KafkaSettings, client: str) -> Sequence[str]:
    """The values of a field of incidents that Kafka shows."""
    if name == "incident":
        return sorted(await latest(kafka, INCIDENTS, client))
    return sorted({str(getattr(each, name)) for each in (await latest(kafka, STATUS, client)).values()})
