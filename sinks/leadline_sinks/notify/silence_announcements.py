"""Silences that begin and end are announced, as records on the topic of the incidents that no sink pages for. Pure.

Every sink process reads all silences and deliveries, comes to the same result, and writes the same record under the
same identity, which is made of the first silence. Where two differ, since one has read more, the first record of a
``seq`` holds and the next one has the rest. What a target was sent is a delivery, as for an incident.

Silences of one person that begin and end together are one announcement. One that prolongs another, by its identity or
by the same matchers, is a new record of the same announcement.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from msgspec.structs import replace

from leadline.model.announcement import HeldIncident
from leadline.model.delivery import Delivery
from leadline.model.ids import ClusterName, IncidentId
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.wire import INCIDENTS
from leadline_sinks.notify.announcement_records import are_together, changed, held_incident, opened, over, short
from leadline_sinks.notify.apart import Apart
from leadline_sinks.notify.matching import is_pattern
from leadline_sinks.notify.together import Near, Open

CLUSTER: Final = ClusterName("leadline")
"""The name for silences that are not of one cluster."""
GATHER: Final = timedelta(seconds=1)
"""Time without a further silence after which those that have begun are announced."""
GATHER_MOST: Final = timedelta(seconds=4)
UPDATE: Final = timedelta(seconds=10)
"""Shortest time between two records of one announcement while it lasts."""
MOST: Final = 200
"""Silences of one announcement."""
MOST_ENDED: Final = 5_000
"""Incidents that have ended and can still be named."""


class SilenceAnnouncements:
    """The silences, what they hold back, and the announcements that are on the topic."""

    def __init__(self) -> None:
        self._apart = Apart(INCIDENTS.name)
        self._silences: dict[str, Silence] = {}
        self._own: dict[IncidentId, Incident] = {}
        """The newest record of each announcement."""
        self._announced: dict[str, IncidentId] = {}
        """The announcement of each silence that has one."""
        self._begun: dict[str, datetime] = {}
        """When this process first saw that a silence without an announcement had begun."""
        self._held: dict[str, dict[IncidentId, None]] = {}
        self._open: dict[IncidentId, HeldIncident] = {}
        self._ended: dict[IncidentId, HeldIncident] = {}

    def observe_silence(self, silence_id: str, silence: Silence | None) -> None:
        """Take a record of the silences topic; None for one that was removed."""
        if silence is None:
            self._silences.pop(silence_id, None)
        else:
            self._silences[silence_id] = short(silence)

    def observe_delivery(self, delivery: Delivery) -> None:
        """Take a delivery to any target."""
        if delivery.outcome == "suppressed" and delivery.reason is not None:
            self._held.setdefault(delivery.reason, {})[delivery.incident_id] = None

    def observe_incident(self, incident: Incident) -> None:
        """Take a record of the incidents topic."""
        if incident.announcement is not None:
            before = self._own.get(incident.incident_id)
            if before is None or before.seq < incident.seq:
                self._own[incident.incident_id] = incident
                self._announced |= {each.silence_id: incident.incident_id for each in incident.announcement.silences}
            return
        known = held_incident(incident)
        self._open.pop(incident.incident_id, None)
        self._ended.pop(incident.incident_id, None)
        (self._open if incident.state == "open" else self._ended)[incident.incident_id] = known
        if len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    def held_by(self, silence_ids: Iterable[str]) -> list[IncidentId]:
        """The incidents of which a delivery was held back by one of these silences."""
        return list({ident: None for silence_id in silence_ids for ident in self._held.get(silence_id, ())})

    def due(self, now: datetime) -> list[Incident]:
        """The records to write now: of silences that have begun, were prolonged, or have ended."""
        fresh = [
            each for each in self._silences.values() if each.starts_at <= now < each.ends_at and self._is_new(each)
        ]
        self._begun = {each.silence_id: self._begun.get(each.silence_id, now) for each in fresh}
        joining: dict[IncidentId, list[Silence]] = {}
        alone: list[Silence] = []
        idents = [ident for ident, own in self._own.items() if own.state == "open"] if fresh else []
        open_ = Open(about for ident in idents if (about := self._own[ident].announcement) is not None)
        for silence in fresh:
            ident = self._joined(silence, joining, idents, open_)
            joining.setdefault(ident, []).append(silence) if ident is not None else alone.append(silence)
        made = [
            self._apart.made(ident, partial(self._next, own, joining.get(ident, ()), now))
            for ident, own in self._own.items()
        ]
        made += [
            self._apart.made(group[0].silence_id, partial(opened, group, self._cluster(group), now))
            for group in self._groups(alone, now)
        ]
        records = [record for record in made if record is not None]
        for record in records:
            self.observe_incident(record)
        return records

    def _is_new(self, silence: Silence) -> bool:
        """Whether a silence has no announcement, or was prolonged after its announcement was over.

        The clocks of two processes may differ: what one has announced as over is not open again to another.
        """
        own = self._own.get(self._announced.get(silence.silence_id, IncidentId("")))
        if own is None or own.announcement is None:
            return True
        if own.state != "resolved":
            return False
        before = (each.ends_at for each in own.announcement.silences if each.silence_id == silence.silence_id)
        return all(silence.ends_at > ended_at for ended_at in before)

    def _joined(
        self,
        silence: Silence,
        joining: Mapping[IncidentId, Sequence[Silence]],
        idents: Sequence[IncidentId],
        open_: Open,
    ) -> IncidentId | None:
        """The announcement that a silence becomes a part of: the one that was over, of the same matchers, or of
        silences that were made with it. ``idents`` are those of ``open_``.
        """
        if (ident := self._announced.get(silence.silence_id)) is not None:
            return ident
        for number in open_.like(silence):
            ident, about = idents[number], open_.all[number]
            if len(about.silences) + len(joining.get(ident, ())) >= MOST:
                continue
            if any(each.matchers == silence.matchers for each in about.silences):
                return ident
            if all(are_together(each, silence) for each in (about.silences[0], about.silences[-1])):
                return ident
        return None

    def _groups(self, fresh: Sequence[Silence], now: datetime) -> list[list[Silence]]:
        """The silences to announce now, each group in one record."""
        groups: list[list[Silence]] = []
        near = Near()
        for silence in sorted(fresh, key=lambda each: (each.starts_at, each.silence_id)):
            for number in sorted(near.numbers(silence)):
                if len(groups[number]) < MOST and are_together(groups[number][0], silence):
                    groups[number].append(silence)
                    break
            else:
                near.add(silence, len(groups))
                groups.append([silence])
        return [group for group in groups if self._is_gathered(group, now)]

    def _is_gathered(self, group: Sequence[Silence], now: datetime) -> bool:
        read = [self._begun[each.silence_id] for each in group]
        return now - max(read) >= GATHER or now - min(read) >= GATHER_MOST

    def _next(self, own: Incident, joining: Sequence[Silence], now: datetime) -> Incident | None:
        """The next record of an announcement; None while there is nothing new."""
        if own.announcement is None or (own.state == "resolved" and not joining):
            return None
        before = own.announcement.silences
        idents = {each.silence_id for each in before}
        members = [self._present(each, now) for each in before]
        members += [each for each in joining if each.silence_id not in idents]
        if all(each.ends_at <= now for each in members):
            held = self.held_by(each.silence_id for each in members)
            for each in members:
                self._held.pop(each.silence_id, None)
            found = [self._open.get(ident) or self._ended.get(ident) for ident in held]
            return over(own, members, [each for each in found if each is not None], len(held), now)
        if members == before and own.state == "open":
            return None
        if own.timeline and now - own.timeline[-1].at < UPDATE:
            return None
        return changed(own, members, now)

    def _present(self, silence: Silence, now: datetime) -> Silence:
        """A silence as it is now; one that was removed ends with its removal."""
        return self._silences.get(silence.silence_id) or replace(silence, ends_at=min(silence.ends_at, now))

    def _cluster(self, group: Sequence[Silence]) -> ClusterName:
        """The cluster that all silences of a group are of, where it is one."""
        named = {self._cluster_of(each) for each in group}
        return named.pop() or CLUSTER if len(named) == 1 else CLUSTER

    def _cluster_of(self, silence: Silence) -> ClusterName | None:
        cluster, ident = silence.matchers.get("cluster", "*"), IncidentId(silence.matchers.get("incident", ""))
        known = self._open.get(ident) or self._ended.get(ident)
        if known is not None:
            return known.cluster
        return None if is_pattern(cluster) else ClusterName(cluster)
