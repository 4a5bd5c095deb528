"""A failure of the worker to judge one cluster in full, and the incident by which people are notified of it.

Pure. Times are those of the records, in seconds since 1970, so that a worker that reads them again comes to the same
incident. It is saved with the state of its cluster.
"""

from dataclasses import dataclass
from typing import Final, Literal, Self

import msgspec

from leadline import own_incident
from leadline.clock import moment
from leadline.model.alert import Evidence, Severity, Step
from leadline.model.ids import ClusterName, incident_id
from leadline.model.incident import Incident
from leadline_streams.judge.subject import of_cluster

Kind = Literal["records_refused", "judgement_defect", "state_unreadable", "state_too_large", "limit_reached"]
"""The code of its cause."""
RULE: Final = "judgement_failing"
REFUSED_LEAST: Final = 10
"""So many records of one cluster that cannot be used are an incident; anything else is one at once."""
QUIET_S: Final = 60.0
"""It is over when nothing has gone wrong for this long."""
DETAIL_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    what: str
    """The part that is not judged meanwhile."""
    severity: Severity
    do: str


_REPORT = "and report the defect with it; a newer version of Leadline may not have it."
_WORDS: Final[dict[Kind, _Words]] = {
    "records_refused": _Words(
        "records cannot be used",
        "what they say is not judged, and the nodes that they are about may be unwatched",
        "warning",
        "Find their writer by the headers of the dead letters; stop it, or bring its version to that of the workers.",
    ),
    "limit_reached": _Words(
        "it has more than is judged",
        "what is beyond the limits is not judged, and does not count as healthy",
        "warning",
        "Give independent groups of servers a cluster name each, and retire nodes that are gone: leadline nodes list.",
    ),
    "judgement_defect": _Words(
        "a record cannot be judged",
        "the cluster was returned to its last saved state and is judged on from there, without that record",
        "critical",
        f"Keep the record, which is in the dead letters, {_REPORT}",
    ),
    "state_unreadable": _Words(
        "its saved state cannot be read",
        "the cluster is judged anew: what is wrong now is found again, but incidents that were open are not "
        "followed any more and must be closed by hand",
        "critical",
        "Close its earlier incidents at their targets. If another version of Leadline wrote the state, run that one. "
        f"Otherwise keep the state, which is in the dead letters, {_REPORT}",
    ),
    "state_too_large": _Words(
        "its state is too large for Kafka",
        "the cluster is judged on, but after a restart it is judged anew: incidents that are open then are not "
        "followed any more",
        "critical",
        "Raise max.message.bytes of the state topic, or give its nodes several clusters.",
    ),
}


class ClusterFailure(msgspec.Struct, frozen=True, omit_defaults=True):
    """The failures of one cluster since it was last judged in full for a while."""

    cluster: ClusterName
    since: float
    last: float
    count: int = 0
    """Records that could not be used."""
    incident: Incident | None = None
    """As last written; None while it is none yet."""

    @classmethod
    def begin(cls, cluster: str, at: float) -> Self:
        """None yet."""
        return cls(ClusterName(cluster), at, at)

    def noted(self, kind: Kind, detail: str, at: float) -> Self:
        """The same after another failure; its incident has another ``seq`` where people are to be notified."""
        at = max(at, self.last)
        after = msgspec.structs.replace(self, last=at, count=self.count + 1)
        if kind == "records_refused" and after.count < REFUSED_LEAST and self.incident is None:
            return after
        if self.incident is not None and any(cause.code == kind for cause in self.incident.causes):
            return after
        return msgspec.structs.replace(after, incident=self._reported(kind, detail[:DETAIL_CHARS], at))

    def is_over(self, at: float, quiet_s: float = QUIET_S) -> bool:
        """Whether nothing has gone wrong for so long."""
        return at - self.last >= quiet_s

    def ended(self, at: float) -> Incident | None:
        """The last record of its incident; None where there is none."""
        if self.incident is None:
            return None
        return own_incident.resolved(self.incident, f"{self.cluster} is judged again", moment(at))

    def _reported(self, kind: Kind, detail: str, at: float) -> Incident:
        words, now = _WORDS[kind], moment(at)
        cause = own_incident.known_cause(
            kind,
            of_cluster(self.cluster),
            f"{words.title}: {words.what}",
            Step(risk="look", text=words.do),
            Evidence(name=kind, value=detail, note="as the worker reported it first"),
        )
        if self.incident is not None:
            return own_incident.with_cause(self.incident, cause, words.severity, now)
        since = moment(self.since)
        return own_incident.opened(
            cause,
            rule=RULE,
            incident_id=incident_id(self.cluster, since, RULE),
            cluster=self.cluster,
            title=words.title,
            severity=words.severity,
            since=since,
            at=now,
        )


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(ClusterFailure)


def pack(failure: ClusterFailure | None) -> bytes:
    """As bytes, to be saved; empty for none."""
    return _ENCODER.encode(failure) if failure is not None else b""


def unpack(data: bytes) -> ClusterFailure | None:
    """From bytes. Raises msgspec.DecodeError, or msgspec.ValidationError, when they are of another version."""
    return _DECODER.decode(data) if data else None
