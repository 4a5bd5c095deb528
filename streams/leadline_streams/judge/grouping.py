"""The open problems of a cluster, and the causes of each: its own ones first, then those that explain only a part."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from leadline.catalogue import CAUSES, RULES
from leadline.model.alert import Cause, Subject
from leadline_streams.judge.diagnosis.ranking import CERTAIN, GUESS, CauseKey, key_of, rank
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.problem_state import AlertState, IncidentState
from leadline_streams.judge.signs import Signs
from leadline_streams.judge.state import Memory
from leadline_streams.judge.topology import BELOW

LOCATED = 0.4
"""A cause that is a guess still says where its problem is, from this confidence on."""


@dataclass(slots=True)
class OpenProblem:
    """An open incident while it is compared with others."""

    incident: IncidentState
    places: list[str]
    """Of the alerts that keep it open."""
    causes: list[Cause] = field(default_factory=list)

    @property
    def first(self) -> Cause | None:
        """The first cause; None while there is no more than a guess."""
        return self.causes[0] if self.causes and self.causes[0].confidence >= LOCATED else None

    @property
    def root(self) -> CauseKey | None:
        """The first cause, now or before, that left no doubt."""
        first = self.causes[0] if self.causes else None
        return key_of(first) if first is not None and first.confidence >= CERTAIN else self.incident.root


class Grouping(Signs):
    """Open alerts, the causes of which there are signs now, and the problems that they form."""

    def __init__(self, memory: Memory, judgement: Judgement, now: float) -> None:
        super().__init__(memory, judgement, now)
        self.now = now
        self.together_s = judgement.policy.together_s
        self.problems: list[OpenProblem] = []
        self._keepers: dict[str, OpenProblem] = {}
        """The problem that each alert keeps open."""
        self._near: dict[str, tuple[int, set[str]]] = {}
        by_incident: dict[str, list[str]] = {}
        for place, alert in memory.alerts.items():
            if alert.incident is not None:
                by_incident.setdefault(alert.incident, []).append(place)
        for incident in memory.incidents:
            self.problems.append(OpenProblem(incident, by_incident.get(incident.id, [])))

    def near(self, incident: IncidentState) -> set[str]:
        """The alerts that something wrong with what an incident is about can bring about."""
        known = self._near.get(incident.id)
        if known is None or known[0] != len(incident.subjects):
            places = {place for about in incident.subjects for place in self.topology.reached(about)}
            self._near[incident.id] = known = len(incident.subjects), places
        return known[1]

    def diagnose(self) -> None:
        """Rank the causes of every problem."""
        self._keepers = {place: problem for problem in self.problems for place in problem.places}
        owners = {key: self._owner(each.cause) for key, each in self.found.items()}
        certain = [key for key, each in self.found.items() if each.cause.confidence >= CERTAIN]
        breached = {alert.rule for alert in self._memory.alerts.values() if pages(alert)}
        for problem in self.problems:
            if not problem.places:
                problem.causes = problem.incident.causes
                continue
            before = {key_of(cause) for cause in problem.incident.causes}
            own = [key for key in certain if owners[key] is problem]
            guessed = LOCATED <= self._surest(problem) <= GUESS
            now: dict[CauseKey, Cause] = {}
            beside: set[CauseKey] = set()
            places, low = frozenset(problem.places), self._low_ends(problem.incident.subjects) if guessed else set()
            for key, each in self.found.items():
                owner, reached = owners[key], self.explained(each.cause)
                explains = reached.keys() & places
                if owner is not None and owner is not problem and not self._admits(problem, key, explains, own):
                    before.discard(key)
                    continue
                # Of one problem only, what explains its rules elsewhere may be a part of it.
                alone = len(self.problems) == 1 and not CAUSES[key[0]].explains.isdisjoint(breached)
                if guessed and self._low_ends([each.cause.subject]).isdisjoint(low):
                    alone = False
                if not (explains or owner is problem or key in before or alone):
                    continue
                now[key] = each.cause
                if not explains and key not in before:
                    beside.add(key)
            earlier = [cause for cause in problem.incident.causes if key_of(cause) in before]
            beside |= {key_of(cause) for cause in (*earlier, *now.values()) if self._is_aside(problem, cause)}
            beside |= self._above(problem, now)
            fired = frozenset(problem.incident.rules)
            beside |= {key for key in (*now, *before) if key[0] in CAUSES and CAUSES[key[0]].explains.isdisjoint(fired)}
            problem.causes = rank(now, earlier, beside, self.is_over)

    def _surest(self, problem: OpenProblem) -> float:
        """The confidence of the surest cause that explains something of a problem; 0 without one."""
        places = problem.places
        own = (each.cause for each in self.found.values() if not self.explained(each.cause).keys().isdisjoint(places))
        return max((cause.confidence for cause in own), default=0.0)

    def _above(self, problem: OpenProblem, keys: Iterable[CauseKey]) -> set[CauseKey]:
        """Of certain causes, those further up the chain where others are at the place itself."""
        certain = [key for key in keys if self.found[key].cause.confidence >= CERTAIN]
        far = {key for key in certain if self._distance(problem, key) == BELOW}
        return far if len(far) < len(certain) else set()

    def _is_aside(self, problem: OpenProblem, cause: Cause) -> bool:
        """Whether a cause explains a part of a problem only, and not what its first one does."""
        first = problem.incident.causes[0] if problem.incident.causes else None
        if first is None or first.confidence < LOCATED or self.is_over(first):
            return False
        key, root = key_of(cause), key_of(first)
        effect = cause.confidence < CERTAIN and self.follows(key, root)
        if effect and cause.subject == first.subject:
            return True  # of the same link or server, it says no more than its root does
        return (effect or not self.related(key, root)) and self.falls_short(cause, first, problem.incident)

    def _owner(self, cause: Cause) -> OpenProblem | None:
        """The problem whose alerts a cause explains most nearly; of several one that it explains wholly or most."""
        reached = self.explained(cause)
        best: tuple[int, bool, int] | None = None
        owner: OpenProblem | None = None
        by_incident: dict[str, list[int]] = {}
        for place, distance in reached.items():
            if place in self._keepers:
                by_incident.setdefault(self._keepers[place].incident.id, []).append(distance)
        for problem in self.problems if by_incident else ():
            near = by_incident.get(problem.incident.id)
            order = (min(near), len(near) < len(problem.places), -len(near)) if near else None
            if order is not None and (best is None or order < best):
                best, owner = order, problem
        return owner

    def _admits(self, problem: OpenProblem, key: CauseKey, explains: Collection[str], own: list[CauseKey]) -> bool:
        """Whether the cause of another problem may be the cause of this one too: nothing certain is nearer."""
        if len(explains) < len(problem.places):
            return False
        near, root = self._distance(problem, key), problem.incident.root
        rivals = [rival for rival in own if self._distance(problem, rival) <= near]
        return all(self.related(rival, key) for rival in (rivals if root is None else [root, *rivals]))

    def _distance(self, problem: OpenProblem, key: CauseKey) -> int:
        """The distance of a cause, of which there are signs, from the nearest alert of a problem."""
        reached = self.explained(self.found[key].cause)
        return min((near for place, near in reached.items() if self._keepers.get(place) is problem), default=BELOW)

    def _low_ends(self, subjects: Iterable[Subject]) -> set[str]:
        """The downstreams of links, and the nodes of everything else."""
        found: set[str] = set()
        for about in subjects:
            down = self.topology.ends_of(about)[1]
            found |= {down} if down is not None else self.topology.nodes_of(about)
        return found


def pages(alert: AlertState) -> bool:
    """Whether an alert opens an incident; none of a rule that another version stored."""
    entry = RULES.get(alert.rule)
    return entry is not None and entry.pages(alert.severity)
