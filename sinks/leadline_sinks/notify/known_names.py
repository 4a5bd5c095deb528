"""The names that incidents can have, and the refusal of matchers that none of them can match. Pure.

A silence that can never match is noticed when the notification comes that it was to hold back. So what cannot match is
refused, and what may match some day is not, once somebody states that a name is still to come.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, get_args
from urllib.parse import quote

from leadline.catalogue import CAUSES, RULES
from leadline.errors import UsageError
from leadline.model.alert import Severity
from leadline.model.ids import IncidentId
from leadline.model.incident import Incident
from leadline.model.status import Status
from leadline.suggestion import instead
from leadline.words import duration
from leadline_sinks.notify.datacenter_incident import datacenter_of
from leadline_sinks.notify.matching import glob, may_both_match
from leadline_sinks.notify.self_incident import CLUSTER

FIXED: Final[Mapping[str, Sequence[str]]] = {
    "severity": get_args(Severity),
    "rule": sorted(RULES),
    "cause": sorted(CAUSES),
}
"""The values of the fields whose values the catalogue has."""
SEEN: Final = frozenset({"cluster", "datacenter", "incident"})
"""Fields whose values must be known to Kafka, or be declared as still to come. Labels are not among them: incidents
show them only while they are open."""
RETURNS: Final = timedelta(days=2)
"""An incident that ended longer ago does not return: twice the longest ``judgement.reopen_s``."""
_STAMP: Final = "_????????T??????Z_????*"
"""The end of the identity of an incident, as ``ids.incident_id`` makes it; a target's name may follow."""


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names that Kafka shows."""

    pairs: frozenset[tuple[str, str]] = frozenset()
    """Clusters and datacenters that servers or incidents have together; an empty datacenter for none."""
    incidents: Mapping[IncidentId, Incident] = field(default_factory=dict)

    @classmethod
    def of(cls, statuses: Iterable[Status], incidents: Iterable[Incident] = ()) -> "KnownNames":
        """The names in these records."""
        known = {each.incident_id: each for each in incidents}
        pairs = {(each.cluster, each.datacenter) for each in statuses}
        for each in known.values():
            pairs |= {(each.cluster, name) for name in each.datacenters or ("",)}
        return cls(frozenset(pairs), known)

    def values(self, name: str) -> list[str]:
        """The values of a field, in order."""
        match name:
            case "cluster":
                return sorted({cluster for cluster, _ in self.pairs})
            case "datacenter":
                return sorted({datacenter for _, datacenter in self.pairs} - {""})
            case "incident":
                return sorted(self.incidents)
            case "rule":
                return [*FIXED[name], *{each for incident in self.incidents.values() for each in incident.rules}]
            case "cause":
                return [*FIXED[name], *{each.code for incident in self.incidents.values() for each in incident.causes}]
        return list(FIXED[name])

    def possible_pairs(self) -> set[tuple[str, str]]:
        """Besides those that are shown, those of incidents that Leadline may open at any time: about itself, and about
        a datacenter that is lost, which is in the name of the datacenter.
        """
        return {*self.pairs, (CLUSTER, ""), *((name, name) for name in self.values("datacenter"))}


def require_possible(
    matchers: Mapping[str, str], known: KnownNames, now: datetime, still_to_come: str, *, unknown: bool
) -> None:
    """Raise UsageError for matchers that no incident can have, with the name that was probably meant.

    ``unknown``: names that Kafka does not show are accepted. ``still_to_come``: how people state that.
    """
    for name in FIXED.keys() & matchers.keys():
        _require(name, matchers[name], known.values(name), "")
    _require_form(matchers, known)
    if unknown:
        return
    more = f"; {still_to_come} if it is still to come"
    cluster, datacenter = matchers.get("cluster"), matchers.get("datacenter")
    pairs = {pair for pair in known.possible_pairs() if cluster is None or glob(cluster, pair[0])}
    if cluster is not None and not pairs:
        _require("cluster", cluster, known.values("cluster"), more)
    if datacenter is not None:
        _require("datacenter", datacenter, known.values("datacenter"), more)
        if not any(name and glob(datacenter, name) for _, name in pairs):
            found = ", ".join(sorted({name for _, name in pairs} - {""})[:20]) or "in none"
            raise UsageError(f"no server of cluster {cluster!r} is in datacenter {datacenter!r}; known: {found}{more}")
    if "incident" in matchers:
        _require_incident(matchers["incident"], cluster, known, now, more)


def _require(name: str, pattern: str, values: Sequence[str], more: str) -> None:
    if any(glob(pattern, value) for value in values):
        return
    listed = [part.strip() for part in re.split("[,|]", pattern)]
    if len(listed) > 1 and any(glob(part, value) for part in listed for value in values):
        raise UsageError(f"no {name} matches {pattern!r}: a list is no pattern; add a silence for each")
    hint = instead(pattern, values, "known" if name in SEEN else "allowed")
    raise UsageError(f"no {name} matches {pattern!r}; {hint}{more}")


def _require_form(matchers: Mapping[str, str], known: KnownNames) -> None:
    """Raise UsageError for what is not the identity of any incident, of the cluster that is named with it."""
    pattern, cluster = matchers.get("incident", "*"), matchers.get("cluster", "*")
    if any(glob(pattern, ident) and glob(cluster, each.cluster) for ident, each in known.incidents.items()):
        return
    if not may_both_match(pattern, f"inc_*{_STAMP}"):
        raise UsageError(f"no incident matches {pattern!r}; `leadline incidents list` shows their identities")
    parts = ("*" if each in "*?" else quote(each, safe="_.", errors="surrogatepass") for each in cluster)
    if not may_both_match(pattern, f"inc_{''.join(parts)}{_STAMP}"):
        raise UsageError(f"the incident {pattern!r} is of another cluster than {cluster!r}; leave one of them out")


def _require_incident(pattern: str, cluster: str | None, known: KnownNames, now: datetime, more: str) -> None:
    """Raise UsageError where all that match are of another cluster, or over for good, or no incident at all."""
    _require("incident", pattern, known.values("incident"), more)
    found = [each for ident, each in known.incidents.items() if glob(pattern, ident)]
    mine = [each for each in found if cluster is None or glob(cluster, each.cluster)]
    if not mine:
        raise UsageError(f"{found[0].incident_id} is of cluster {found[0].cluster!r}, not {cluster!r}; leave one out")
    reasons = [_over(each, now) for each in mine]
    if all(reasons):
        raise UsageError(f"{mine[0].incident_id} {reasons[0]}")


def _over(incident: Incident, now: datetime) -> str:
    """The reason for which nothing of an incident is ever sent again; empty where something may be."""
    if incident.announcement is not None:
        return "announces silences, and no silence holds it back"
    if incident.merged_into is not None:
        return f"is a part of {incident.merged_into}; silence that one"
    if incident.resolved_at is not None and now - incident.resolved_at > RETURNS and datacenter_of(incident) is None:
        since = duration((now - incident.resolved_at).total_seconds())
        return f"ended {since} ago, and does not return: the next problem like it is another incident"
    return ""
