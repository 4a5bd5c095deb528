"""The values that the matchers of a silence can have: by the catalogue, and by what Kafka shows."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final, get_args

from leadline.catalogue import CAUSES, RULES
from leadline.errors import UsageError
from leadline.model.alert import Severity
from leadline.settings.common import KafkaSettings
from leadline.topic_table import latest
from leadline.wire import INCIDENTS, STATUS

SHOWN: Final = 20
"""So many names are listed where one is wrong."""


async def check(matchers: Mapping[str, str], kafka: KafkaSettings, client: str, *, unknown: bool) -> None:
    """Raise UsageError for a matcher that no incident can have.

    Clusters, datacenters and incidents must be known in Kafka, unless ``unknown``. Labels are not checked: incidents
    show them only while they are open.
    """
    from leadline_sinks.notify.matching import glob

    for name, pattern in matchers.items():
        values = await _values(name, kafka, client, unknown=unknown)
        if values is not None and not any(glob(pattern, value) for value in values):
            fixed = name in _FIXED
            hint = instead(pattern, values, "allowed" if fixed else "known")
            more = "" if fixed else "; give --unknown if it is still to come"
            raise UsageError(f"no {name} matches {pattern!r}; {hint}{more}")


def instead(given: str, names: Sequence[str], what: str) -> str:
    """The name that was probably meant, or those that exist."""
    near = get_close_matches(given, names, 1)
    if near:
        return f"did you mean {near[0]}?"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{what}: {', '.join(names[:SHOWN]) or 'none'}{more}"


_FIXED: Final[Mapping[str, Sequence[str]]] = {
    "severity": get_args(Severity),
    "rule": sorted(RULES),
    "cause": sorted(CAUSES),
}


async def _values(name: str, kafka: KafkaSettings, client: str, *, unknown: bool) -> Sequence[str] | None:
    """The values that a field of incidents can have; None where every text can be one."""
    if name in _FIXED:
        return _FIXED[name]
    if name == "incident" and not unknown:
        return sorted(await latest(kafka, INCIDENTS, client))
    if name in ("cluster", "datacenter") and not unknown:
        return sorted({str(getattr(each, name)) for each in (await latest(kafka, STATUS, client)).values()})
    return None
