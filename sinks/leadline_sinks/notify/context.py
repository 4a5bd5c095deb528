"""What a sink process knows from the topics that it reads as a whole: silences, actions, deliveries."""

from collections.abc import Iterable, Sequence

from leadline.model.action import Action
from leadline.model.delivery import Delivery
from leadline.model.ids import IncidentId
from leadline.model.silence import Silence


class Known:
    """A fold over the three topics. Deliveries are kept only for the targets named."""

    def __init__(self, targets: Iterable[str]) -> None:
        self._targets = frozenset(targets)
        self.revision = 0
        """Rises when silences or actions become different."""
        self._silences: dict[str, Silence] = {}
        self._actions: dict[IncidentId, dict[str, Action]] = {}
        self._deliveries: dict[tuple[IncidentId, str], tuple[int, Delivery]] = {}

    def silences(self) -> Sequence[Silence]:
        """All there are, also those to come."""
        return list(self._silences.values())

    def actions(self, incident: IncidentId) -> Sequence[Action]:
        """What people did about an incident, oldest first."""
        return sorted(self._actions.get(incident, {}).values(), key=lambda action: (action.at, action.action_id))

    def delivery(self, incident: IncidentId, target: str) -> Delivery | None:
        """What a target was told last."""
        found = self._deliveries.get((incident, target))
        return found[1] if found is not None else None

    def silence(self, silence_id: str, silence: Silence | None) -> None:
        """A record of the silences; None ends it."""
        self.revision += 1
        if silence is None:
            self._silences.pop(silence_id, None)
        else:
            self._silences[silence_id] = silence

    def action(self, action: Action) -> None:
        """A record of the actions. Read twice, it is known once."""
        self.revision += 1
        self._actions.setdefault(action.incident_id, {})[action.action_id] = action

    def delivered(self, delivery: Delivery, offset: int) -> None:
        """A record of the deliveries, read or just written: of two, the one with the higher offset holds."""
        key = (delivery.incident_id, delivery.target)
        before = self._deliveries.get(key)
        if delivery.target in self._targets and (before is None or before[0] < offset):
            self._deliveries[key] = (offset, delivery)
