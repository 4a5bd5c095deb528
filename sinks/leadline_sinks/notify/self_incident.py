"""A target that cannot be told is an incident itself, of the cluster ``leadline``: the other targets are told of it."""

from datetime import timedelta
from typing import Final

import msgspec

from leadline.clock import Clock
from leadline.model.alert import Evidence, Subject
from leadline.model.ids import ClusterName, IncidentId, incident_id
from leadline.model.incident import Cause, Incident, TimelineEntry
from leadline_sinks.notify.sink import NEEDS_SOMEBODY, REASONS, Reason

CLUSTER: Final = ClusterName("leadline")
RULE: Final = "sink_failing"
CAUSE: Final = "sink_cannot_deliver"
LABEL: Final = "target"
FAILING_S: Final = 60.0
"""A target that takes nothing for so long is in trouble, whatever the reason."""

FIXES: Final = {
    Reason.RATE_LIMITED: "Find out who else writes there with our credentials, or ask for a higher limit.",
    Reason.UNAVAILABLE: "Look at its status page; what is to be told waits and will be sent.",
    Reason.UNREACHABLE: "Check the network, DNS and firewall between the host of `leadline sink` and the target.",
    Reason.TIMEOUT: "Check the network between the host of `leadline sink` and the target, and how busy it is.",
    Reason.GARBLED: "Check that its address is right and no proxy answers in its place.",
    Reason.UNAUTHORIZED: "Put a valid token, key or login into the settings of `leadline sink` and restart it.",
    Reason.TARGET_GONE: "Create it again or let us in, or name another one in the settings of `leadline sink`.",
    Reason.FULL: "Make room there.",
    Reason.REJECTED: "Read the log of `leadline sink`; it says what was refused.",
}
"""What to do, by why the last attempt failed."""


class Trouble:
    """The trouble of one target, from the first failure to the next success. Records go to the incidents topic."""

    def __init__(self, target: str, kind: str, clock: Clock) -> None:
        self._target = target
        self._kind = kind
        self._clock = clock
        self._failing_since: float | None = None
        self._incidents: dict[IncidentId, Incident] = {}
        """Those open on the topic, by this process or one before it."""

    def seen(self, incident: Incident) -> None:
        """A record was read from the topic; those about other targets are none of ours."""
        if about(incident) != self._target:
            return
        before = self._incidents.get(incident.incident_id)
        if before is not None and before.seq > incident.seq:
            return
        if incident.state == "open":
            self._incidents[incident.incident_id] = incident
        else:
            self._incidents.pop(incident.incident_id, None)

    def failed(self, reason: Reason, detail: str) -> Incident | None:
        """An attempt failed; the record to write when somebody has to know now."""
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        failing_s = self._clock.monotonic() - self._failing_since
        if self._incidents or (reason not in NEEDS_SOMEBODY and failing_s < FAILING_S):
            return None
        incident = self._opened(reason, detail, failing_s)
        self._incidents[incident.incident_id] = incident
        return incident

    def worked(self) -> list[Incident]:
        """The target took something; the records to write when people were told that it does not."""
        self._failing_since = None
        over = [self._over(incident) for incident in self._incidents.values()]
        self._incidents.clear()
        return over

    def _opened(self, reason: Reason, detail: str, failing_s: float) -> Incident:
        now = self._clock.now()
        since = now - timedelta(seconds=failing_s)
        subject = Subject(kind="cluster", id=f"{CLUSTER}/{self._target}", name=self._target)
        summary = f"{self._target} cannot be told: {REASONS[reason]}"
        cause = Cause(
            code=CAUSE,
            confidence=1.0,
            subject=subject,
            summary=summary,
            fix=FIXES[reason],
            evidence_for=[Evidence(name=str(reason), value=detail, note=f"the last attempt, through {self._kind}")],
            evidence_against=[],
        )
        return Incident(
            # Several targets may fail at one moment: the name tells them apart.
            incident_id=IncidentId(f"{incident_id(CLUSTER, since)}_{self._target}"),
            seq=1,
            cluster=CLUSTER,
            datacenters=[],
            state="open",
            severity="critical",
            title=f"{CLUSTER}: {summary}",
            opened_at=since,
            detected_at=now,
            cause_at=now,
            resolved_at=None,
            causes=[cause],
            alerts=[],
            changes=[],
            timeline=[TimelineEntry(at=now, what=f"{RULE} fires: {summary}")],
            labels={LABEL: self._target},
            rules=[RULE],
        )

    def _over(self, incident: Incident) -> Incident:
        now = self._clock.now()
        entry = TimelineEntry(at=now, what=f"resolved: {self._target} can be told again")
        return msgspec.structs.replace(
            incident,
            seq=incident.seq + 1,
            state="resolved",
            resolved_at=now,
            timeline=[*incident.timeline, entry],
        )


def about(incident: Incident) -> str | None:
    """The target whose trouble an incident is; None for those about databases."""
    if incident.cluster == CLUSTER and incident.rules == [RULE]:
        return incident.labels.get(LABEL)
    return None
