"""The newest of everything on the topics, folded from their values. Pure: no clock, no I/O.

The fold judges nothing: an alert is open if its last transition says so, a verdict is what the judgement wrote.
Memory is bounded: what was written longest ago is forgotten, and counted in ``left_out``.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from leadline.model.action import Action
from leadline.model.alert import Transition
from leadline.model.audit_result import AuditResult
from leadline.model.change_record import ChangeRecord
from leadline.model.delivery import Delivery
from leadline.model.ids import node_id
from leadline.model.incident import Incident
from leadline.model.lag import LagRollup
from leadline.model.silence import Silence
from leadline.model.status import LinkStatus, NodeStatus
from leadline.model.verification import Verification
from leadline_console.lag_history import LagHistory
from leadline_console.newest import Newest

TOPICS: Final = (
    *("status", "incidents", "alerts", "silences", "deliveries", "actions"),
    *("changes", "audits", "verifications", "lag"),
)
"""The topics of whose values the model is made, in the order in which they are read."""
MOST_LINKS: Final = 50_000
MOST_NODES: Final = 50_000
MOST_ALERTS: Final = 50_000
MOST_INCIDENTS: Final = 5_000
"""The same number of open and of resolved ones."""
MOST_DELIVERIES: Final = 20_000
MOST_SILENCES: Final = 5_000
MOST_CLUSTERS: Final = 10_000
MOST_PER_KEY: Final = 200
"""Actions of one incident and changes of one cluster."""
STALE_S: Final = 5.0
"""A feed that is older is reported on every page."""
SILENT_S: Final = 60.0
"""So is a judgement of which nothing newer is on the topics, which have a roll-up of every link each 10 s."""
SILENT_WITHOUT_LINKS_S: Final = 660.0
"""The same without links: an unchanged node has a status each 300 s (``judgement.status_every_s``)."""

Folded = (
    LinkStatus
    | NodeStatus
    | Incident
    | Transition
    | Silence
    | Action
    | Delivery
    | AuditResult
    | ChangeRecord
    | Verification
    | LagRollup
)


@dataclass(slots=True)
class FeedState:
    """The age of the model's content."""

    alive_at: float | None = None
    """Monotonic time at which Kafka last confirmed the ends of the topics; None before the first time."""
    behind: int = 0
    """Records that the topics have then and the model has not."""
    is_complete: bool = False
    """Whether everything that the topics had at the start has been read."""
    problem: str = ""
    """The reason for which Kafka cannot be read; empty while it can."""

    def age_s(self, now: float) -> float | None:
        """Seconds since Kafka last answered, at the monotonic time ``now``; None before the first answer."""
        return None if self.alive_at is None else max(0.0, now - self.alive_at)

    def is_stale(self, now: float) -> bool:
        """Whether what is shown may be out of date."""
        age = self.age_s(now)
        return age is None or age > STALE_S


@dataclass(slots=True)
class ReadModel:
    """The content of the pages."""

    nodes: Newest[str, NodeStatus] = field(default_factory=lambda: Newest(MOST_NODES))
    """By ``cluster/node``."""
    links: Newest[str, LinkStatus] = field(default_factory=lambda: Newest(MOST_LINKS))
    alerts: Newest[str, Transition] = field(default_factory=lambda: Newest(MOST_ALERTS))
    """Alerts that are not over, by identity: the newest transition of each, pending ones too."""
    open_incidents: Newest[str, Incident] = field(default_factory=lambda: Newest(MOST_INCIDENTS))
    """Pages, notices and advices."""
    resolved_incidents: Newest[str, Incident] = field(default_factory=lambda: Newest(MOST_INCIDENTS))
    silences: Newest[str, Silence] = field(default_factory=lambda: Newest(MOST_SILENCES))
    held: Newest[str, dict[str, None]] = field(default_factory=lambda: Newest(MOST_SILENCES))
    """The incidents of which a notification was held back, by what held it: a silence, or a datacenter's incident."""
    actions: Newest[str, deque[Action]] = field(default_factory=lambda: Newest(MOST_INCIDENTS))
    """By incident, oldest first."""
    deliveries: Newest[str, dict[str, Delivery]] = field(default_factory=lambda: Newest(MOST_DELIVERIES))
    """The last one by incident and target."""
    delivery_history: Newest[str, deque[Delivery]] = field(default_factory=lambda: Newest(MOST_INCIDENTS))
    """Every one that was read, by incident, oldest first: Kafka keeps earlier ones for a while only."""
    audits: Newest[str, AuditResult] = field(default_factory=lambda: Newest(MOST_CLUSTERS))
    """The newest of each cluster."""
    changes: Newest[str, deque[ChangeRecord]] = field(default_factory=lambda: Newest(MOST_CLUSTERS))
    """By cluster, oldest first."""
    verifications: Newest[str, Verification] = field(default_factory=lambda: Newest(MOST_LINKS))
    """By link."""
    lags: Newest[str, LagHistory] = field(default_factory=lambda: Newest(MOST_LINKS))
    """By link."""
    last_lags: Newest[str, LagRollup] = field(default_factory=lambda: Newest(MOST_LINKS))
    """The newest roll-up of each link."""
    lags_from: datetime | None = None
    """Roll-ups from before are not all read; None where all of the last day are."""
    feed: FeedState = field(default_factory=FeedState)
    version: int = 0
    """Rises with every value that changes something."""
    judged_at: datetime | None = None
    """The newest event time of a status, a transition or a roll-up; None before the first."""

    @property
    def left_out(self) -> int:
        """Keys that were forgotten because there were too many."""
        kept = (self.nodes, self.links, self.alerts, self.open_incidents, self.silences, self.audits)
        return sum(each.left_out for each in kept)

    def is_silent(self, now: datetime) -> bool:
        """Whether nothing has been judged for long, although something was before."""
        limit_s = SILENT_S if len(self.last_lags) else SILENT_WITHOUT_LINKS_S
        return self.judged_at is not None and (now - self.judged_at).total_seconds() > limit_s

    def incident(self, ident: str) -> Incident | None:
        """The newest record of an incident; None where there is none."""
        return self.open_incidents.get(ident) or self.resolved_incidents.get(ident)

    def take(self, value: Folded) -> None:
        """Fold in a value of a topic. One with a ``seq`` or a time that is not newer than what is known is ignored."""
        self.version += 1
        match value:
            case NodeStatus():
                self.nodes.put(node_id(value.cluster, value.node), value)
                self._judged(value.at)
            case LinkStatus():
                self.links.put(value.link, value)
                self._judged(value.at)
            case LagRollup():
                self._take_lag(value)
            case Transition():
                self._take_transition(value)
            case Incident():
                self._take_incident(value)
            case Delivery():
                known = self.deliveries.get(value.incident_id) or {}
                self.deliveries.put(value.incident_id, {**known, value.target: value})
                if value.outcome == "suppressed" and value.reason is not None:
                    self._take_held(value.reason, value.incident_id)
                read = self.delivery_history.get(value.incident_id) or deque(maxlen=MOST_PER_KEY)
                read.append(value)
                self.delivery_history.put(value.incident_id, read)
            case Silence():
                self.silences.put(value.silence_id, value)
            case Action():
                given = self.actions.get(value.incident_id) or deque(maxlen=MOST_PER_KEY)
                if all(each.action_id != value.action_id for each in given):
                    given.append(value)
                self.actions.put(value.incident_id, given)
            case AuditResult():
                before = self.audits.get(value.cluster)
                if before is None or value.audited_at >= before.audited_at:
                    self.audits.put(value.cluster, value)
            case ChangeRecord():
                made = self.changes.get(value.cluster) or deque(maxlen=MOST_PER_KEY)
                if all(each.change_id != value.change_id for each in made):
                    made.append(value)
                self.changes.put(value.cluster, made)
            case Verification():
                self.verifications.put(value.link, value)

    def lags_begin(self, at: datetime) -> None:
        """Note that roll-ups from before ``at`` were left out of a partition."""
        self.lags_from = at if self.lags_from is None else max(self.lags_from, at)

    def forget(self, topic: str, key: str) -> None:
        """Fold in a tombstone of a topic, named without its prefix."""
        self.version += 1
        match topic:
            case "status":
                for kept in (self.nodes, self.links, self.lags, self.last_lags):
                    kept.remove(key)
            case "silences":
                self.silences.remove(key)
            case "incidents":
                self.open_incidents.remove(key)
                self.resolved_incidents.remove(key)
            case "verifications":
                self.verifications.remove(key)
            case "deliveries":
                incident, _, target = key.rpartition("/")
                (self.deliveries.get(incident) or {}).pop(target, None)

    def _take_incident(self, value: Incident) -> None:
        before = self.incident(value.incident_id)
        if before is not None and value.seq <= before.seq:
            return
        kept, other = self.open_incidents, self.resolved_incidents
        if value.state == "resolved":
            kept, other = other, kept
        other.remove(value.incident_id)
        kept.put(value.incident_id, value)

    def _take_held(self, by: str, incident: str) -> None:
        held = self.held.get(by) or {}
        if len(held) < MOST_INCIDENTS:
            held[incident] = None
        self.held.put(by, held)

    def _take_transition(self, value: Transition) -> None:
        self._judged(value.event_time)
        before = self.alerts.get(value.alert_id)
        if before is not None and value.seq <= before.seq:
            return
        if value.to in ("ok", "resolved"):
            self.alerts.remove(value.alert_id)
        else:
            self.alerts.put(value.alert_id, value)

    def _take_lag(self, value: LagRollup) -> None:
        self._judged(value.end)
        history = self.lags.get(value.link)
        if history is None:
            history = LagHistory()
            self.lags.put(value.link, history)
        history.take(value)
        before = self.last_lags.get(value.link)
        if before is None or value.end >= before.end:
            self.last_lags.put(value.link, value)

    def _judged(self, at: datetime) -> None:
        if self.judged_at is None or at > self.judged_at:
            self.judged_at = at
