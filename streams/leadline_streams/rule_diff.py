"""Two sets of limits on the same recording: the alerts that fire with one of them only, earlier, later, or otherwise.

Pure. A firing is one period of an alert, from its firing to its end. Those of one rule about one subject that overlap
are one problem seen by both.
"""

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.alert import Severity, Transition, severity_rank
from leadline.model.incident import Incident
from leadline_streams.judge.alerting import Output

Kind = Literal["less", "later", "milder", "shorter", "earlier", "more", "severer", "longer"]
WORST_FIRST: Final[tuple[Kind, ...]] = ("less", "later", "milder", "shorter", "more", "earlier", "severer", "longer")
"""That which the second set loses comes first: nobody is notified of it."""
SAME_S: Final = 1.0
"""Firings that begin or end so close together are at the same time."""


class Firing(Struct, frozen=True, kw_only=True):
    """One period in which an alert fired. Times are seconds since the epoch."""

    cluster: str
    rule: str
    subject: str
    severity: Severity
    """The highest that it had."""
    at: float
    until: float | None
    """Its end; None where it fires at the end of the recording."""
    summary: str


class Difference(Struct, frozen=True, kw_only=True):
    """A firing that the two sets do not share, or have otherwise."""

    kind: Kind
    """Of the second set compared with the first."""
    by_s: float
    """Seconds: how long it fired, or by how much it is earlier, later, longer or shorter."""
    before: Firing | None
    after: Firing | None


class RuleDiff(Struct, frozen=True, kw_only=True):
    """All differences, and how much both have."""

    differences: list[Difference]
    firings: tuple[int, int]
    incidents: tuple[int, int]
    """Incidents that were opened with the first set, and with the second."""
    same: int
    """Firings that both have alike."""


def rule_diff(before: Iterable[Output], after: Iterable[Output]) -> RuleDiff:
    """Compare the outputs of one recording under two sets of limits."""
    ours, opened = _firings(before)
    theirs, also_opened = _firings(after)
    end = max((each.until or each.at for each in (*ours, *theirs)), default=0.0)
    left, same, found = list(theirs), 0, list[Difference]()
    for mine in ours:
        other = next((each for each in left if _overlap(mine, each)), None)
        if other is None:
            found.append(Difference(kind="less", by_s=_length(mine, end), before=mine, after=None))
            continue
        left.remove(other)
        changes = list(_changes(mine, other, end))
        found += changes
        same += not changes
    found += [Difference(kind="more", by_s=_length(each, end), before=None, after=each) for each in left]
    found.sort(key=lambda each: (WORST_FIRST.index(each.kind), -_rank(each), -each.by_s))
    return RuleDiff(differences=found, firings=(len(ours), len(theirs)), incidents=(opened, also_opened), same=same)


def _changes(mine: Firing, other: Firing, end: float) -> Iterable[Difference]:
    def difference(kind: Kind, by_s: float) -> Difference:
        return Difference(kind=kind, by_s=by_s, before=mine, after=other)

    moved_s = other.at - mine.at
    if abs(moved_s) > SAME_S:
        yield difference("later" if moved_s > 0 else "earlier", abs(moved_s))
    if other.severity != mine.severity:
        worse = severity_rank(other.severity) > severity_rank(mine.severity)
        yield difference("severer" if worse else "milder", _length(other, end))
    stays_s = (end if other.until is None else other.until) - (end if mine.until is None else mine.until)
    if abs(stays_s) > SAME_S:
        yield difference("longer" if stays_s > 0 else "shorter", abs(stays_s))


def _firings(outputs: Iterable[Output]) -> tuple[list[Firing], int]:
    """Every firing in the order of its beginning, and the number of incidents."""
    open_: dict[str, Firing] = {}
    done: list[Firing] = []
    incidents: set[str] = set()
    for output in outputs:
        if isinstance(output, Incident):
            incidents.add(output.incident_id)
        if not isinstance(output, Transition):
            continue
        known, at = open_.get(output.alert_id), output.event_time.timestamp()
        if output.to == "resolved" and known is not None:
            done.append(_with(open_.pop(output.alert_id), until=at))
        elif output.to == "firing" and known is None:
            open_[output.alert_id] = Firing(
                cluster=output.cluster,
                rule=output.rule,
                subject=output.subject.id,
                severity=output.severity,
                at=at,
                until=None,
                summary=output.summary,
            )
        elif known is not None and severity_rank(output.severity) > severity_rank(known.severity):
            open_[output.alert_id] = _with(known, severity=output.severity)
    return sorted((*done, *open_.values()), key=lambda each: (each.at, each.rule, each.subject)), len(incidents)


def _with(firing: Firing, **changed: object) -> Firing:
    return replace(firing, **changed)


def _overlap(one: Firing, other: Firing) -> bool:
    if (one.rule, one.subject) != (other.rule, other.subject):
        return False
    return (one.until is None or other.at <= one.until) and (other.until is None or one.at <= other.until)


def _length(firing: Firing, end: float) -> float:
    return max(0.0, (end if firing.until is None else firing.until) - firing.at)


def _rank(difference: Difference) -> int:
    return max(severity_rank(each.severity) for each in (difference.before, difference.after) if each is not None)
