"""A datacenter of which many clusters see no server is one incident; theirs are held back while it is open. Pure.

Every sink process reads all incidents, comes to the same result, and writes the same record under the same identity.
What the clusters have in common is the datacenter; whether its power, its network or its Kafka failed is not seen.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Final

from msgspec.structs import replace

from leadline import own_incident
from leadline.model.alert import Evidence, Subject
from leadline.model.ids import ClusterName, IncidentId, NodeName, incident_id
from leadline.model.incident import Affected, Cause, Incident, Step, TimelineEntry
from leadline.model.silence import Silence
from leadline.steps import fix_of
from leadline.wire import INCIDENTS
from leadline_sinks.notify.apart import Apart
from leadline_sinks.notify.incident_index import NONE, IncidentIndex

RULE: Final = "datacenter_lost"
CAUSE: Final = "datacenter_cut"
TOGETHER: Final = timedelta(minutes=5)
"""Incidents that began within this time of the newest one began together."""
GATHER: Final = timedelta(seconds=2)
"""From the first incident that this process reads until the record is written, so that it names most clusters."""
AGAIN: Final = timedelta(minutes=10)
"""Two losses of a datacenter within this time have one identity: the second is a return of the first."""
UPDATE: Final = timedelta(seconds=10)
"""Shortest time between two records about one datacenter."""
NAMED: Final = 3
"""Clusters that a sentence names; the others are counted."""
EVIDENCE: Final = 8


class DatacenterIncidents:
    """The datacenters whose servers do not answer in at least ``least`` clusters; 0 turns this off."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._clusters: dict[IncidentId, tuple[Incident, datetime]] = {}
        """The open incidents of clusters that see no server of a datacenter, and when each was first read."""
        self._of_name: dict[str, dict[IncidentId, None]] = {}
        """The same by datacenter."""
        self._apart = Apart(INCIDENTS.name)
        self._own: dict[str, Incident] = {}
        """The newest incident about each datacenter."""

    def observe(self, incident: Incident, now: datetime) -> None:
        """Take a record of the incidents topic."""
        if not self._least:
            return
        if (name := datacenter_of(incident)) is not None:
            before = self._own.get(name)
            if before is None or (before.opened_at, before.seq) < (incident.opened_at, incident.seq):
                self._own[name] = incident
        elif incident.state == "open" and incident.silent_datacenters and incident.announcement is None:
            read_at = self._clusters.get(incident.incident_id, (incident, now))[1]
            self._leave(incident.incident_id)
            self._clusters[incident.incident_id] = incident, read_at
            for each in incident.silent_datacenters:
                self._of_name.setdefault(each, {})[incident.incident_id] = None
        else:
            self._leave(incident.incident_id)

    def _leave(self, ident: IncidentId) -> None:
        before = self._clusters.pop(ident, None)
        for name in before[0].silent_datacenters if before is not None else ():
            of_name = self._of_name.get(name, {})
            of_name.pop(ident, None)
            if not of_name:
                self._of_name.pop(name, None)

    def held_by(self, incident: Incident) -> IncidentId | None:
        """The open incident of a datacenter that an incident is a part of."""
        for name in incident.silent_datacenters:
            own = self._own.get(name)
            if own is not None and own.state == "open" and own.opened_at - incident.opened_at <= TOGETHER:
                return own.incident_id
        return None

    def parts(self, incident: Incident) -> list[Incident]:
        """The open incidents that the incident of a datacenter is about; none for every other incident."""
        name = datacenter_of(incident)
        found = self._of(name) if name is not None else []
        return [each for each in found if incident.opened_at - each.opened_at <= TOGETHER]

    def due(self, now: datetime, silences: Sequence[Silence]) -> list[Incident]:
        """The records to write now: of datacenters that are lost, that more clusters have lost, or that are back."""
        names = self._of_name.keys() | self._own.keys()
        loud = cache(lambda: _loud([each for each, _ in self._clusters.values()], silences, now))
        records = [self._apart.made(name, partial(self._due, name, now, loud)) for name in sorted(names)]
        for record in (found := [each for each in records if each is not None]):
            self.observe(record, now)
        return found

    def _due(self, name: str, now: datetime, loud_ones: Callable[[], frozenset[IncidentId]]) -> Incident | None:
        own = self._own.get(name)
        if own is not None and own.state == "open":
            found = self.parts(own)
            if len(found) < self._least:
                rest = f"{len(found)} clusters still see none there" if found else "every cluster sees one there again"
                return own_incident.resolved(own, f"servers in {name} answer; {rest}", now)
            return _grown(own, name, found, now)
        found = self._of(name)
        if len({each.cluster for each in found}) < self._least:
            return None
        loud = [each for each in found if each.incident_id in loud_ones()]
        newest = max((each.opened_at for each in loud), default=now)
        together = [each for each in loud if newest - each.opened_at <= TOGETHER]
        read_at = min((self._clusters[each.incident_id][1] for each in together), default=now)
        if len({each.cluster for each in together}) < self._least or now - read_at < GATHER:
            return None
        return _opened(name, together, now, own)

    def _of(self, name: str) -> list[Incident]:
        found = [self._clusters[ident][0] for ident in self._of_name.get(name, ())]
        return sorted(found, key=lambda each: (each.opened_at, each.incident_id))


def _loud(incidents: Sequence[Incident], silences: Sequence[Silence], now: datetime) -> frozenset[IncidentId]:
    """Those that no silence holds back now."""
    index, held = IncidentIndex(incidents), NONE
    for silence in silences:
        if silence.starts_at <= now < silence.ends_at:
            held |= index.matched(silence.matchers)
    return frozenset(each.incident_id for each in index.chosen(index.everything & ~held))


def datacenter_of(incident: Incident) -> str | None:
    """The datacenter that an incident of this module is about; None for every other incident."""
    return incident.datacenters[0] if incident.rules == [RULE] and incident.datacenters else None


def _opened(name: str, parts: Sequence[Incident], now: datetime, before: Incident | None) -> Incident:
    since = parts[0].opened_at
    stamp = datetime.fromtimestamp(since.timestamp() // AGAIN.total_seconds() * AGAIN.total_seconds(), UTC)
    cluster = ClusterName(name)
    record = own_incident.opened(
        _cause(name, parts),
        rule=RULE,
        incident_id=incident_id(cluster, stamp, RULE),
        cluster=cluster,
        title=_title(parts),
        severity="critical",
        since=since,
        at=now,
    )
    record = replace(record, datacenters=[name], affected=_affected(parts))
    if before is None or before.incident_id != record.incident_id:
        return record
    return replace(
        record,
        seq=before.seq + 1,
        opened_at=before.opened_at,
        detected_at=before.detected_at,
        reopened=[*before.reopened, now],
        generation=before.generation + 1,
        timeline=[*before.timeline, TimelineEntry(at=now, what="reopened: the problem returned")],
    )


def _grown(own: Incident, name: str, parts: Sequence[Incident], now: datetime) -> Incident | None:
    """The next record of an open one, when more servers are gone than in the last, which was a while ago."""
    affected = _affected(parts)
    written_at = own.timeline[-1].at if own.timeline else own.detected_at
    if len(affected.nodes) <= len(own.affected.nodes) or now - written_at < UPDATE:
        return None
    title = _title(parts)
    return replace(
        own,
        seq=own.seq + 1,
        title=f"{own.cluster}: {title}",
        causes=[_cause(name, parts)],
        affected=affected,
        timeline=[*own.timeline, TimelineEntry(at=now, what=title)],
    )


def _title(parts: Sequence[Incident]) -> str:
    return f"{len({each.cluster for each in parts})} clusters see no server in this datacenter"


def _affected(parts: Sequence[Incident]) -> Affected:
    names = [f"{each.cluster}/{node}" for each in parts for node in each.affected.nodes]
    return Affected(nodes=[NodeName(name) for name in dict.fromkeys(names)])


def _cause(name: str, parts: Sequence[Incident]) -> Cause:
    clusters = list(dict.fromkeys(each.cluster for each in parts))
    others = f" and {len(clusters) - NAMED} others" if len(clusters) > NAMED else ""
    run = [each for each in parts if each.causes and each.causes[0].code == "agent_down"]
    seen = f"; in {len(run)} of them the agents are silent and the servers may run" if run else ""
    steps = [
        Step(risk="look", text=f"Check the power and the network of {name}."),
        Step(risk="look", text=f"Check whether the agents in {name} reach Kafka: run leadline doctor on one of them."),
        Step(risk="look", text="Before a standby elsewhere is promoted, make sure that its primary is really down."),
    ]
    return Cause(
        code=CAUSE,
        confidence=0.49,
        subject=Subject(kind="datacenter", id=name, name=name),
        summary=f"{len(clusters)} clusters see no server in {name}: {', '.join(clusters[:NAMED])}{others}{seen}; "
        "they have the datacenter in common: its power, its network, or the Kafka of its agents",
        fix=fix_of(steps),
        steps=steps,
        evidence_for=[
            Evidence(name=each.cluster, value=each.severity, note=each.causes[0].summary if each.causes else each.title)
            for each in parts[:EVIDENCE]
        ],
        evidence_against=[],
        not_seen=[
            Evidence(name="datacenter", value="not seen", note="no agent looks at power, network or Kafka as such")
        ],
    )
