"""A target that cannot be reached is an incident of the cluster ``leadline``; the other targets are notified of it."""

from datetime import timedelta
from typing import Final

from leadline import own_incident
from leadline.clock import Clock
from leadline.model.alert import Evidence, Subject
from leadline.model.ids import ClusterName, IncidentId, incident_id
from leadline.model.incident import Incident, Step
from leadline.redaction.redact import redact
from leadline_sinks.notify.sink import NEEDS_OPERATOR, REASONS, Reason

CLUSTER: Final = ClusterName("leadline")
RULE: Final = "sink_failing"
CAUSE: Final = "sink_cannot_deliver"
LABEL: Final = "target"
FAILING_S: Final = 60.0
"""A target that has accepted nothing for this long becomes an incident, whatever the reason."""

FIXES: Final = {
    Reason.RATE_LIMITED: "Find other programs that use the same credentials, or ask the vendor for a higher limit.",
    Reason.UNAVAILABLE: "Check the status page of the target. Notifications are queued and will be sent.",
    Reason.UNREACHABLE: "Check the network, DNS and firewall between the host of `leadline sink` and the target.",
    Reason.TIMEOUT: "Check the network between the host of `leadline sink` and the target, and the target's load.",
    Reason.GARBLED: "Check the address of the target in the settings, and that no proxy answers in its place.",
    Reason.UNAUTHORIZED: "Set a valid token, key or login; restart `leadline sink` unless it is read from a file.",
    Reason.TARGET_GONE: "Restore the target or the access to it, or set another in the settings of `leadline sink`.",
    Reason.FULL: "Free space on the target.",
    Reason.REJECTED: "Read the process log of `leadline sink`; it names the content that was rejected.",
}
"""The fix by the reason of the last failure."""


class SelfIncident:
    """The incident about one target, from its first failure to its next success.

    The caller writes the records that are returned to the incidents topic.
    """

    def __init__(self, target: str, kind: str, clock: Clock) -> None:
        self._target = target
        self._kind = kind
        self._clock = clock
        self._failing_since: float | None = None
        self._open: dict[IncidentId, Incident] = {}
        """Those that are open on the topic, written by this process or an earlier one."""

    def observe(self, incident: Incident) -> None:
        """Take note of a record on the topic; incidents about anything but this target are ignored."""
        if failing_target(incident) != self._target:
            return
        before = self._open.get(incident.incident_id)
        if before is not None and before.seq > incident.seq:
            return
        if incident.state == "open":
            self._open[incident.incident_id] = incident
        else:
            self._open.pop(incident.incident_id, None)

    def record_failure(self, reason: Reason, detail: str) -> Incident | None:
        """Take note of a failed attempt; the record to write when the failure becomes an incident now."""
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        failing_s = self._clock.monotonic() - self._failing_since
        if self._open or (reason not in NEEDS_OPERATOR and failing_s < FAILING_S):
            return None
        incident = self._opened(reason, detail, failing_s)
        self._open[incident.incident_id] = incident
        return incident

    def record_success(self) -> list[Incident]:
        """Take note of a successful delivery; the records to write that resolve open incidents."""
        self._failing_since = None
        now, why = self._clock.now(), f"{self._target} accepts deliveries again"
        ended = [own_incident.resolved(incident, why, now) for incident in self._open.values()]
        self._open.clear()
        return ended

    def _opened(self, reason: Reason, detail: str, failing_s: float) -> Incident:
        now = self._clock.now()
        since = now - timedelta(seconds=failing_s)
        subject = Subject(kind="cluster", id=f"{CLUSTER}/{self._target}", name=self._target)
        summary = f"cannot deliver to {self._target}: {REASONS[reason]}"
        cause = own_incident.known_cause(
            CAUSE,
            subject,
            summary,
            Step(risk="safe", text=FIXES[reason]),
            Evidence(name=str(reason), value=redact(detail), note=f"the last attempt, through {self._kind}"),
        )
        return own_incident.opened(
            cause,
            rule=RULE,
            # The target's name keeps the incidents of targets apart that fail at the same moment.
            incident_id=IncidentId(f"{incident_id(CLUSTER, since)}_{self._target}"),
            cluster=CLUSTER,
            title=summary,
            severity="critical",
            since=since,
            at=now,
            labels={LABEL: self._target},
        )


def failing_target(incident: Incident) -> str | None:
    """The target whose failure an incident is about; None for every other incident."""
    if incident.cluster == CLUSTER and incident.rules == [RULE]:
        return incident.labels.get(LABEL)
    return None
