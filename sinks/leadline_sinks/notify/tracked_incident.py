"""The incidents that a notifier has not finished, each with what it needs to decide and to retry."""

from dataclasses import dataclass
from math import inf

from leadline.model.alert import severity_rank
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline_sinks.notify.delivery_records import RINGS


@dataclass(slots=True)
class TrackedIncident:
    """The state of an incident that is not finished. Times are of the monotonic clock."""

    incident: Incident
    partition: int
    offset: int
    """Of the newest record."""
    observed_at: float
    """Time of the first record that this process read."""
    delivered_at: float
    """Time of the last delivery; ``observed_at`` before the first."""
    rang_at: float
    """Time of the last delivery that was more than an update; ``observed_at`` before the first."""
    ended_at: float | None
    """Time at which this process read that the incident is resolved."""
    surely_undelivered: bool = False
    """Whether the target has received nothing, although an attempt is on record."""
    was_due: bool = False
    """Whether the first notification was due, and was not delivered by this process."""
    is_edit: bool = False
    """Whether what is due only changes the silence that a message shows, and notifies nobody."""
    failures: int = 0
    not_before: float = -inf
    decide_at: float = -inf
    """Time of the next decision, unless a new record arrives earlier."""
    due_since: float | None = None
    """Time since when a notification is due."""

    @classmethod
    def begin(cls, incident: Incident, partition: int, offset: int, now: float) -> "TrackedIncident":
        """Track an incident of which this is the first record that the process read."""
        ended_at = now if incident.state == "resolved" else None
        return cls(incident, partition, offset, now, now, now, ended_at)

    def observe(self, incident: Incident, offset: int, now: float) -> None:
        """Take a newer record."""
        self.incident, self.offset, self.decide_at = incident, offset, -inf
        if incident.state == "open":
            self.ended_at = None
        elif self.ended_at is None:
            self.ended_at = now

    def record(self, delivery: Delivery, now: float, *, failed: bool) -> None:
        """Take note of a delivery record that was written. ``failed``: the same notification follows again."""
        self.delivered_at, self.surely_undelivered, self.decide_at = now, False, -inf
        if delivery.outcome in ("sent", "nothing_new") and delivery.occasion in RINGS:
            self.rang_at = now
        if not failed:
            self.failures, self.not_before, self.due_since = 0, -inf, None
            self.was_due = False

    @property
    def urgency(self) -> tuple[int, float]:
        """The most severe incident comes first, then the one that has waited longest."""
        return -severity_rank(self.incident.severity), self.due_since or 0.0
