"""Which open alerts of a cluster share a root: the causes of which there are signs, and the problems compared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from leadline.catalogue import CAUSES, RULES
from leadline.model.alert import Cause, Subject
from leadline_streams.judge.diagnosis.context import open_context
from leadline_streams.judge.diagnosis.ranking import CERTAIN, GUESS, CauseKey, Found, find_causes, key_of, rank
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.state import AlertState, IncidentState, Memory
from leadline_streams.judge.topology import BELOW, Reached, Topology

LOCATED = 0.4
"""A cause that is a guess still says where its problem is, from this confidence on."""
UNNAMED_S = 3.0
"""Incidents without a cause are compared by place and time only after their causes were looked for this long."""


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


class Grouping:
    """Open alerts, the causes of which there are signs now, and the problems that they form."""

    def __init__(self, memory: Memory, judgement: Judgement, now: float) -> None:
        self._memory = memory
        self._now = now
        self._together_s = judgement.policy.together_s
        self.topology = Topology(memory, memory.alerts)
        context = open_context(
            memory,
            judgement.engines,
            now,
            alerts=memory.alerts.values(),
            incidents=memory.incidents,
            changes=memory.changes,
        )
        self._context, self._catalogue = context, judgement.causes
        self.found: dict[CauseKey, Found] = find_causes(context, judgement.causes)
        self._explained: dict[CauseKey, Reached] = {}
        self.problems: list[OpenProblem] = []
        by_incident: dict[str, list[str]] = {}
        for place, alert in memory.alerts.items():
            if alert.incident is not None:
                by_incident.setdefault(alert.incident, []).append(place)
        for incident in memory.incidents:
            self.problems.append(OpenProblem(incident, by_incident.get(incident.id, [])))

    def explained(self, cause: Cause) -> Reached:
        """The open alerts that a cause explains, by place, and how near they are to it."""
        key = key_of(cause)
        if key not in self._explained:
            entry, found = CAUSES.get(cause.code), self.found.get(key)
            reached: Reached = {}
            if entry is not None:
                nodes = found.nodes if found is not None else [each.node for each in cause.evidence_for if each.node]
                reached = self.topology.reached(cause.subject, entry.explains, nodes)
            self._explained[key] = reached
        return self._explained[key]

    def explaining(self, place: str) -> list[Cause]:
        """The causes of an alert of which there are signs: the surest first, and of the certain ones the nearest."""
        causes = [each.cause for each in self.found.values() if place in self.explained(each.cause)]

        def order(cause: Cause) -> tuple[bool, int, float, str, str]:
            certain = cause.confidence >= CERTAIN
            return not certain, self.explained(cause)[place] if certain else 0, -cause.confidence, *key_of(cause)

        return sorted(causes, key=order)

    def diagnose(self) -> None:
        """Rank the causes of every problem."""
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
            for key, each in self.found.items():
                owner, reached = owners[key], self.explained(each.cause)
                explains = [place for place in problem.places if place in reached]
                if owner is not None and owner is not problem and not self._admits(problem, key, explains, own):
                    before.discard(key)
                    continue
                # Of one problem only, what explains its rules elsewhere may be a part of it.
                alone = len(self.problems) == 1 and not CAUSES[key[0]].explains.isdisjoint(breached)
                if guessed and self._low_ends([each.cause.subject]).isdisjoint(
                    self._low_ends(problem.incident.subjects)
                ):
                    alone = False
                if not (explains or owner is problem or key in before or alone):
                    continue
                now[key] = each.cause
                if not explains and key not in before:
                    beside.add(key)
            earlier = [cause for cause in problem.incident.causes if key_of(cause) in before]
            beside |= {key for key in now if self._is_aside(problem, key)} | self._above(problem, now)
            fired = frozenset(problem.incident.rules)
            beside |= {key for key in (*now, *before) if key[0] in CAUSES and CAUSES[key[0]].explains.isdisjoint(fired)}
            problem.causes = rank(now, earlier, beside, self._is_over)

    def _surest(self, problem: OpenProblem) -> float:
        """The confidence of the surest cause that explains something of a problem; 0 without one."""
        places = problem.places
        own = (each.cause for each in self.found.values() if not self.explained(each.cause).keys().isdisjoint(places))
        return max((cause.confidence for cause in own), default=0.0)

    def _is_over(self, cause: Cause) -> bool:
        """Whether a failure goes on although the signs of a cause that was named for it have gone for a while."""
        rule = self._catalogue.get(cause.code)
        return rule is not None and rule.is_over(self._context, cause)

    def _above(self, problem: OpenProblem, keys: Iterable[CauseKey]) -> set[CauseKey]:
        """Of certain causes, those further up the chain where others are at the place itself."""
        certain = [key for key in keys if self.found[key].cause.confidence >= CERTAIN]
        far = {key for key in certain if self._distance(problem, key) == BELOW}
        return far if len(far) < len(certain) else set()

    def _is_aside(self, problem: OpenProblem, key: CauseKey) -> bool:
        """Whether a cause explains a later alert of a problem and not the first one, as one named before does."""
        opening = self._opening(problem)
        first = problem.incident.causes[0] if problem.incident.causes else None
        if opening is None or first is None or first.confidence < GUESS or key_of(first) not in self.found:
            return False
        if opening in self.explained(self.found[key].cause) or opening not in self.explained(first):
            return False
        return not self.related(key, key_of(first))

    def _opening(self, problem: OpenProblem) -> str | None:
        """The place of the first of its alerts that is still open."""
        order = {ident: index for index, ident in enumerate(problem.incident.alerts)}
        return min(problem.places, key=lambda place: order.get(self._memory.alerts[place].id, len(order)), default=None)

    def _owner(self, cause: Cause) -> OpenProblem | None:
        """The problem whose alerts a cause explains most nearly; of several one that it explains wholly or most."""
        reached = self.explained(cause)
        best: tuple[int, bool, int] | None = None
        owner: OpenProblem | None = None
        for problem in self.problems:
            near = [reached[place] for place in problem.places if place in reached]
            order = (min(near), len(near) < len(problem.places), -len(near)) if near else None
            if order is not None and (best is None or order < best):
                best, owner = order, problem
        return owner

    def _admits(self, problem: OpenProblem, key: CauseKey, explains: list[str], own: list[CauseKey]) -> bool:
        """Whether the cause of another problem may be the cause of this one too: nothing certain is nearer."""
        if len(explains) < len(problem.places):
            return False
        near, root = self._distance(problem, key), problem.incident.root
        rivals = [rival for rival in own if self._distance(problem, rival) <= near]
        return all(self.related(rival, key) for rival in (rivals if root is None else [root, *rivals]))

    def _distance(self, problem: OpenProblem, key: CauseKey) -> int:
        """The distance of a cause, of which there are signs, from the nearest alert of a problem."""
        reached = self.explained(self.found[key].cause)
        return min((reached[place] for place in problem.places if place in reached), default=BELOW)

    def merge(self) -> tuple[OpenProblem, OpenProblem, str] | None:
        """The first two problems that are one, the older first, and why."""
        for index, older in enumerate(self.problems):
            for younger in self.problems[index + 1 :]:
                why = self.one_problem(older, younger)
                if why is not None:
                    return older, younger, why
        return None

    def one_problem(self, older: OpenProblem, younger: OpenProblem) -> str | None:
        """The reason for which two problems are one; None when they are two."""
        mine, other = older.first, younger.first
        if older.root and younger.root and not self.related(older.root, younger.root):
            return None
        together = abs(older.incident.opened_at - younger.incident.opened_at) <= self._together_s
        if mine is not None and other is not None:
            if key_of(mine) == key_of(other):
                return f"both have the cause {mine.code}"
            if self.follows(key_of(other), key_of(mine)) or (together and self.follows(key_of(mine), key_of(other))):
                return f"{mine.code} and {other.code} have one root"
            if together and mine.code == other.code and self._shared(mine, other):
                return f"both have the cause {mine.code}"
        if mine is not None and self._explains_all(mine, younger) and not _surer(other, mine):
            return f"{mine.code} explains both"
        if together and other is not None and self._explains_all(other, older) and not _surer(mine, other):
            return f"{other.code} explains both"
        if other is None and (
            not set(self._idents(younger)).isdisjoint(older.incident.alerts)
            or (self._depends(younger, older) and self._may_explain(mine, younger))
        ):
            return "one depends on the other, and nothing else explains it"
        if together and mine is None and self._depends(older, younger):
            return "one depends on the other, and nothing else explains it"
        if together and mine is None and other is None and self._unnamed(older) and self._unnamed(younger):
            nodes = [self._nodes(problem) for problem in (older, younger)]
            if not nodes[0].isdisjoint(nodes[1]):
                return "they began together on the same server, and nothing explains them"
        return None

    def is_return(self, ended: IncidentState, younger: OpenProblem) -> bool:
        """Whether a problem is one that ended before: the same alert, or the same cause, and no other certain one."""
        root = younger.root
        if root is not None and ended.root is not None and not self.related(root, ended.root, ended.causes):
            return False
        if not set(self._idents(younger)).isdisjoint(ended.alerts):
            return True
        return younger.first is not None and bool(ended.causes) and key_of(younger.first) == key_of(ended.causes[0])

    def related(self, one: CauseKey, other: CauseKey, more: Sequence[Cause] = ()) -> bool:
        """Whether two causes are the same, or one can bring about the other. ``more``: where they may be found too."""
        if one == other or self.follows(one, other, more) or self.follows(other, one, more):
            return True
        if one[0] != other[0] or not _is_shared(one[0]):
            return False
        causes = [self._cause(one, more), self._cause(other, more)]
        return all(causes) and self._shared(*(cause for cause in causes if cause is not None))

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

    def _cause(self, key: CauseKey, more: Sequence[Cause]) -> Cause | None:
        if key in self.found:
            return self.found[key].cause
        known = (cause for problem in self.problems for cause in (*problem.causes, *problem.incident.causes))
        return next((cause for cause in (*known, *more) if key_of(cause) == key), None)

    def _shared(self, one: Cause, other: Cause) -> bool:
        """Whether a cause in two places has one root: both links come from one node, go to one, or are a pair."""
        if not _is_shared(one.code):
            return False
        mine, others = self.topology.ends_of(one.subject), self.topology.ends_of(other.subject)
        same = any(end is not None and end == others[index] for index, end in enumerate(mine))
        return same or (None not in mine and mine == others[::-1])

    def _explains_all(self, cause: Cause, problem: OpenProblem) -> bool:
        """Whether a cause explains all of a problem: every alert that is open, the one that opened it among them."""
        reached = self.explained(cause)
        begun = problem.incident.alerts[:1] if problem.places else []
        return not set(begun).isdisjoint(self._idents(problem)) and all(place in reached for place in problem.places)

    def _depends(self, one: OpenProblem, other: OpenProblem) -> bool:
        """Whether all that is open of one problem is below what the other is about, or lives on it."""
        if not one.places:
            return False
        reached: set[str] = set()
        for about in other.incident.subjects:
            reached |= self.topology.reached(about).keys()
        return all(place in reached for place in one.places)

    def _may_explain(self, cause: Cause | None, problem: OpenProblem) -> bool:
        """Whether a cause explains rules such as those of a problem; where none is named, anything may."""
        entry = CAUSES.get(cause.code) if cause is not None else None
        return entry is None or {self._memory.alerts[place].rule for place in problem.places} <= entry.explains

    def holds(self, problem: OpenProblem) -> bool:
        """Whether a breach that is still pending is a part of a problem."""
        pending = [
            (place, alert)
            for place, alert in self._memory.alerts.items()
            if alert.state == "pending" and pages(alert) and alert.incident is None
        ]
        if not pending:
            return False
        if any(alert.id in problem.incident.alerts for _, alert in pending):
            return True
        reached = self.explained(problem.causes[0]).keys() if problem.causes else set()
        return any(place in reached for place, _ in pending)

    def _idents(self, problem: OpenProblem) -> Iterable[str]:
        return (self._memory.alerts[place].id for place in problem.places)

    def _nodes(self, problem: OpenProblem) -> set[str]:
        return {node for about in problem.incident.subjects for node in self.topology.nodes_of(about)}

    def _low_ends(self, subjects: Iterable[Subject]) -> set[str]:
        """The downstreams of links, and the nodes of everything else."""
        found: set[str] = set()
        for about in subjects:
            down = self.topology.ends_of(about)[1]
            found |= {down} if down is not None else self.topology.nodes_of(about)
        return found

    def _unnamed(self, problem: OpenProblem) -> bool:
        return self._now - problem.incident.detected_at >= UNNAMED_S


def _surer(one: Cause | None, other: Cause) -> bool:
    """Whether a cause leaves no doubt, or stands above another."""
    return one is not None and (one.confidence >= CERTAIN or one.confidence > other.confidence)


def _is_shared(code: str) -> bool:
    """Whether a cause in several places may have one root; none that another version named."""
    entry = CAUSES.get(code)
    return entry is not None and entry.shared


def pages(alert: AlertState) -> bool:
    """Whether an alert opens an incident; none of a rule that another version stored."""
    entry = RULES.get(alert.rule)
    return entry is not None and entry.pages(alert.severity)
