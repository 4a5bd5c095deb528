"""The state that a sink process derives from the topics that it reads completely."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from leadline.model.action import Action
from leadline.model.delivery import Delivery
from leadline.model.ids import IncidentId
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline_sinks.notify.datacenter_incident import RULE, DatacenterIncidents
from leadline_sinks.notify.silence_announcements import SilenceAnnouncements


@dataclass(frozen=True, slots=True)
class KnownIncident:
    """The state of an incident of the topic, whatever target it is for."""

    seq: int
    generation: int
    state: Literal["open", "resolved"]
    merged_into: IncidentId | None


class NotificationContext:
    """Silences, actions, the last delivery of each incident to each of the targets named, and lost datacenters.

    ``datacenter_clusters`` is the setting of that name.
    """

    def __init__(self, targets: Iterable[str], datacenter_clusters: int = 0) -> None:
        self._targets = frozenset(targets)
        self.datacenters = DatacenterIncidents(datacenter_clusters)
        self.announcements = SilenceAnnouncements()
        self.revision = 0
        """Increases with every change of the silences, the actions or the lost datacenters."""
        self._silences: dict[str, Silence] = {}
        self._actions: dict[IncidentId, dict[str, Action]] = {}
        self._deliveries: dict[tuple[IncidentId, str], tuple[int, int, Delivery]] = {}
        self._incidents: dict[IncidentId, KnownIncident] = {}

    def silences(self) -> Sequence[Silence]:
        """All silences, including those that have not started."""
        return list(self._silences.values())

    def actions(self, incident: IncidentId) -> Sequence[Action]:
        """The acknowledgements and notes of an incident, oldest first."""
        return sorted(self._actions.get(incident, {}).values(), key=lambda action: (action.at, action.action_id))

    def delivery(self, incident: IncidentId, target: str) -> Delivery | None:
        """The last delivery of an incident to a target."""
        found = self._deliveries.get((incident, target))
        return found[2] if found is not None else None

    def incident(self, incident: IncidentId) -> KnownIncident | None:
        """The state of an incident; None for one that the topic does not have."""
        return self._incidents.get(incident)

    def incidents(self) -> Iterable[IncidentId]:
        """Every incident that the topic has."""
        return self._incidents.keys()

    def add_incident(self, incident: Incident, now: datetime) -> None:
        """Apply a record of the incidents topic, of whatever target."""
        before = self._incidents.get(incident.incident_id)
        if before is None or before.seq <= incident.seq:
            self._incidents[incident.incident_id] = KnownIncident(
                incident.seq, incident.generation, incident.state, incident.merged_into
            )
        self.announcements.observe_incident(incident)
        held = self.datacenters.held_by(incident)
        self.datacenters.observe(incident, now)
        if incident.rules == [RULE] or held is not None:
            self.revision += 1

    def lost_datacenters(self, now: datetime) -> list[Incident]:
        """The records to write about datacenters that are lost, or back."""
        records = self.datacenters.due(now, self.silences())
        self.revision += bool(records)
        return records

    def add_silence(self, silence_id: str, silence: Silence | None) -> None:
        """Apply a record of the silences topic; None removes the silence."""
        self.revision += 1
        self.announcements.observe_silence(silence_id, silence)
        if silence is None:
            self._silences.pop(silence_id, None)
        else:
            self._silences[silence_id] = silence

    def add_action(self, action: Action) -> None:
        """Apply a record of the actions topic. Applying it twice has no further effect."""
        self.revision += 1
        self._actions.setdefault(action.incident_id, {})[action.action_id] = action

    def add_delivery(self, delivery: Delivery, offset: int) -> None:
        """Apply a delivery that was read or written. Of two for one incident and target, the one of the later record of
        the incident holds, whatever process wrote it when; of one record, the one with the higher offset.
        """
        self.announcements.observe_delivery(delivery)
        key = (delivery.incident_id, delivery.target)
        before = self._deliveries.get(key)
        if delivery.target in self._targets and (before is None or before[:2] < (delivery.seq, offset)):
            self._deliveries[key] = (delivery.seq, offset, delivery)
