"""The causes of which there are signs in a cluster, the open alerts that each explains, and which have one root."""

from collections.abc import Iterable, Iterator, Sequence

from leadline.catalogue import CAUSES
from leadline.model.alert import Cause, Subject
from leadline.model.ids import alert_id
from leadline_streams.judge.diagnosis.context import open_context
from leadline_streams.judge.diagnosis.ranking import CERTAIN, CauseKey, Found, find_causes, key_of
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.one_moment import cut_at_once
from leadline_streams.judge.problem_state import AlertState, IncidentState
from leadline_streams.judge.state import Memory
from leadline_streams.judge.topology import Reach, Reached, Topology
from leadline_streams.judge.view import View


class Signs:
    """Causes by code and subject, as of one moment."""

    def __init__(self, memory: Memory, judgement: Judgement, now: float) -> None:
        self._memory = memory
        self.topology = Topology(memory, memory.alerts)
        self._context = open_context(
            View(memory),
            judgement.engines,
            now,
            alerts=memory.alerts.values(),
            incidents=memory.incidents,
            changes=memory.changes,
        )
        self._catalogue = judgement.causes
        self.found: dict[CauseKey, Found] = find_causes(self._context, judgement.causes)
        self._explained: dict[CauseKey, Reached] = {}
        self._explaining: dict[str, list[Cause]] | None = None
        """The causes of each alert, once they are asked for."""
        self._alerts: dict[str, list[tuple[str, Subject]]] = {}
        self._reach: dict[tuple[CauseKey, bool], Reach] = {}

    def explained(self, cause: Cause) -> Reached:
        """The open alerts that a cause explains, by place, and how near they are to it."""
        key = key_of(cause)
        if key not in self._explained:
            entry = CAUSES.get(cause.code)
            reached = self.topology.reached(cause.subject, entry.explains, self._nodes_of(cause)) if entry else {}
            self._explained[key] = reached
        return self._explained[key]

    def explaining(self, place: str) -> list[Cause]:
        """The causes of an alert of which there are signs: the surest first, and of the certain ones the nearest."""
        if self._explaining is None:
            self._explaining = {}
            for each in self.found.values():
                for explained in self.explained(each.cause):
                    self._explaining.setdefault(explained, []).append(each.cause)
        causes = self._explaining.get(place, [])

        def order(cause: Cause) -> tuple[bool, int, float, str, str]:
            certain = cause.confidence >= CERTAIN
            return not certain, self.explained(cause)[place] if certain else 0, -cause.confidence, *key_of(cause)

        return sorted(causes, key=order)

    def is_another(self, cause: Cause, first: Cause, incident: IncidentState) -> bool:
        """Whether a cause has another root than the first one of an incident, and cannot have brought it about."""
        return not self.related(key_of(cause), key_of(first)) and self.falls_short(cause, first, incident)

    def falls_short(self, cause: Cause, first: Cause, incident: IncidentState) -> bool:
        """Whether a cause does not explain of an incident what its first cause does.

        Beside a first cause without doubt that is every alert which that one explains, open or over; beside a guess,
        and for a cause whose signs are gone, the alert that opened the incident.
        """
        alerts = self._alerts_of(incident)
        if incident.root != key_of(first) or key_of(cause) not in self.found:
            alerts = alerts[:1]
        return not all(self._covers(cause, alert) for alert in alerts if self._covers(first, alert))

    def covers(self, cause: Cause, incident: IncidentState) -> bool:
        """Whether a cause can have brought about every alert that was a part of an incident."""
        return all(self._covers(cause, alert) for alert in self._alerts_of(incident))

    def is_over(self, cause: Cause) -> bool:
        """Whether a failure goes on although the signs of a cause that was named for it have gone for a while."""
        rule = self._catalogue.get(cause.code)
        return rule is not None and rule.is_over(self._context, cause)

    def related(self, one: CauseKey, other: CauseKey, more: Sequence[Cause] = ()) -> bool:
        """Whether two causes are the same, or one can bring about the other. ``more``: where they may be found too."""
        if one == other or self.follows(one, other, more) or self.follows(other, one, more):
            return True
        if one[0] != other[0] or not _is_shared(one[0]):
            return False
        causes = [self._cause(one, more), self._cause(other, more)]
        return all(causes) and self.shared(*(cause for cause in causes if cause is not None))

    def follows(self, effect: CauseKey, root: CauseKey, more: Sequence[Cause] = ()) -> bool:
        """Whether ``root`` can have brought about ``effect``: by their codes, and by where they are."""
        entry = CAUSES.get(effect[0])
        if entry is None or root[0] not in entry.follows or root[0] == effect[0]:
            return False
        one, other = self._cause(effect, more), self._cause(root, more)
        if one is None or other is None:
            return False
        if "cluster" in (one.subject.kind, other.subject.kind):
            return True
        above, below = self.topology.ends_of(one.subject), self.topology.ends_of(other.subject)
        if below[1] is not None and below[0] == above[1]:
            return False  # that link begins where the effect's ends
        return not self.topology.nodes_of(one.subject).isdisjoint(self.topology.nodes_of(other.subject))

    def shared(self, one: Cause, other: Cause) -> bool:
        """Whether a cause in two places has one root: both links come from one node, go to one, or are a pair.

        Two links that were cut off have one only where that is seen at the upstream, or both were in one moment.
        """
        if not _is_shared(one.code):
            return False
        mine, others = self.topology.ends_of(one.subject), self.topology.ends_of(other.subject)
        same = any(end is not None and end == others[index] for index, end in enumerate(mine))
        if not (same or (None not in mine and mine == others[::-1])):
            return False
        if not CAUSES[one.code].at_once:
            return True
        roots = [self._root_of(one), self._root_of(other)]
        if roots[0] is not None and roots[0] == roots[1]:
            return True
        links = self.topology.link_of(one.subject), self.topology.link_of(other.subject)
        if links[0] is None or links[1] is None:
            return True
        apart = links[0].downstream in roots or links[1].downstream in roots
        return links[0].id == links[1].id or (cut_at_once(links[0], links[1]) and not apart)

    def known(self) -> Iterator[Cause]:
        """Causes of which there may be no signs any more."""
        for incident in self._memory.incidents:
            yield from incident.causes

    def _alerts_of(self, incident: IncidentState) -> list[tuple[str, Subject]]:
        """Rule and subject of every alert that was a part of an incident, beginning with the one that opened it."""
        if incident.id not in self._alerts:
            idents, cluster = frozenset(incident.alerts), self._memory.cluster
            every = ((rule, about) for about in incident.subjects for rule in incident.rules)
            self._alerts[incident.id] = [each for each in every if alert_id(each[0], cluster, each[1].id) in idents]
        return self._alerts[incident.id]

    def _covers(self, cause: Cause, alert: tuple[str, Subject]) -> bool:
        """Whether a cause can have brought about an alert, be it open or over."""
        entry, (rule, about) = CAUSES.get(cause.code), alert
        if entry is None or rule not in entry.explains:
            return False
        place = key_of(cause), key_of(cause) in self.found
        if place not in self._reach:
            self._reach[place] = self.topology.reach_of(cause.subject, self._nodes_of(cause))
        return self._reach[place].covers(about, rule)

    def _nodes_of(self, cause: Cause) -> Sequence[str]:
        found = self.found.get(key_of(cause))
        return found.nodes if found is not None else [each.node for each in cause.evidence_for if each.node]

    def _root_of(self, cause: Cause) -> str | None:
        found = self.found.get(key_of(cause))
        return found.root if found is not None else None

    def _cause(self, key: CauseKey, more: Sequence[Cause]) -> Cause | None:
        if key in self.found:
            return self.found[key].cause
        return next((cause for cause in (*self.known(), *more) if key_of(cause) == key), None)

    def alerts(self) -> Iterable[tuple[str, AlertState]]:
        """Open alerts, each with its place."""
        return self._memory.alerts.items()

    def alert(self, place: str) -> AlertState:
        """An open alert by its place."""
        return self._memory.alerts[place]


def _is_shared(code: str) -> bool:
    """Whether a cause in several places may have one root; none that another version named."""
    entry = CAUSES.get(code)
    return entry is not None and entry.shared
