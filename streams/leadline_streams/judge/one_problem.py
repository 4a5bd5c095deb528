"""Open problems compared: two that are one, one that returned, and alerts that belong to another one."""

from collections.abc import Iterable

from leadline.catalogue import CAUSES
from leadline.model.alert import Cause
from leadline_streams.judge.diagnosis.ranking import CERTAIN, key_of
from leadline_streams.judge.grouping import Grouping, OpenProblem, pages
from leadline_streams.judge.incident import is_crowd
from leadline_streams.judge.problem_state import IncidentState

UNNAMED_S = 3.0
"""Incidents without a cause are compared by place and time only after their causes were looked for this long."""


class Comparison:
    """The problems of a cluster, compared with each other."""

    def __init__(self, grouping: Grouping) -> None:
        self._all = grouping
        self._topology = grouping.topology

    def merge(self) -> tuple[OpenProblem, OpenProblem, str] | None:
        """The first two problems that are one, the older first, and why."""
        problems = self._all.problems
        for index, older in enumerate(problems):
            for younger in problems[index + 1 :]:
                why = self._one_problem(older, younger)
                if why is not None:
                    return older, younger, why
        return None

    def is_return(self, ended: IncidentState, younger: OpenProblem) -> bool:
        """Whether a problem is one that ended before: it began with one of its alerts, or has the same cause, and no
        other certain one. Other alerts that both have may be lag behind both.
        """
        root = younger.root
        if root is not None and ended.root is not None and not self._all.related(root, ended.root, ended.causes):
            return False
        if not set(younger.incident.alerts[:1]).isdisjoint(ended.alerts):
            return True
        return younger.first is not None and bool(ended.causes) and key_of(younger.first) == key_of(ended.causes[0])

    def holds(self, problem: OpenProblem) -> bool:
        """Whether a breach that is still pending is a part of a problem; of one without more than a guess, where it may
        be."""
        pending = [
            (place, alert)
            for place, alert in self._all.alerts()
            if alert.state == "pending" and pages(alert) and alert.incident is None
        ]
        if not pending:
            return False
        if not {alert.id for _, alert in pending}.isdisjoint(problem.incident.alerts):
            return True
        reached = set(self._all.explained(problem.causes[0])) if problem.causes else set()
        if problem.root is None:
            reached |= self._near(problem)
        return any(place in reached for place, _ in pending)

    def moved(self) -> tuple[OpenProblem, OpenProblem, list[str]] | None:
        """The alerts of a problem that have another root by now, where they were, and the problem that they are of."""
        for problem in self._all.problems:
            for other in self._all.problems:
                if other is not problem and (places := self._left_to(problem, other)):
                    return problem, other, places
        return None

    def split(self) -> tuple[OpenProblem, list[str], Cause] | None:
        """The alerts of a problem that have a certain root of their own, which nothing else of the problem has.

        Not while that root begins: a server may be restarted for a moment to repair what the alerts are about.
        """
        for problem in self._all.problems:
            first = problem.first
            if first is None or not problem.incident.seq:
                continue
            kept = self._all.explained(first).keys() if self._lives(first) else ()
            for place in problem.places:
                for cause in self._all.explaining(place) if place not in kept else ():
                    if cause.confidence >= CERTAIN and self._all.is_another(cause, first, problem.incident):
                        if self._begins(cause):
                            continue
                        reached = self._all.explained(cause)
                        return problem, [one for one in problem.places if one in reached and one not in kept], cause
        return None

    def _begins(self, cause: Cause) -> bool:
        """Whether a breach that is still pending shows a cause: it opens a problem of its own if it lasts."""
        reached = self._all.explained(cause)
        return any(
            place in reached and alert.state == "pending" and alert.incident is None and pages(alert)
            for place, alert in self._all.alerts()
        )

    def _left_to(self, problem: OpenProblem, other: OpenProblem) -> list[str]:
        """The alerts that outlived the signs of their problem's first cause, and that another one's explains."""
        first, theirs = problem.first, other.first
        if first is None or theirs is None or self._lives(first) or not self._lives(theirs):
            return []
        if not self._all.is_another(theirs, first, problem.incident):
            return []
        reached = self._all.explained(theirs)
        return [place for place in problem.places if place in reached]

    def _lives(self, cause: Cause) -> bool:
        """Whether there are signs of a cause now."""
        return key_of(cause) in self._all.found

    def _one_problem(self, older: OpenProblem, younger: OpenProblem) -> str | None:
        """The reason for which two problems are one; None when they are two."""
        mine, other = older.first, younger.first
        if older.root and younger.root and not self._all.related(older.root, younger.root):
            return None
        together = abs(older.incident.opened_at - younger.incident.opened_at) <= self._all.together_s
        if mine is not None and other is not None:
            if key_of(mine) == key_of(other):
                return f"both have the cause {mine.code}"
            if self._all.follows(key_of(other), key_of(mine)) or (
                together and self._all.follows(key_of(mine), key_of(other))
            ):
                return f"{mine.code} and {other.code} have one root"
            if together and mine.code == other.code and self._all.shared(mine, other):
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
        if other is None and self._is_one_of_many(older, younger):
            return "it is one of very many alike on the same server, and nothing else explains it"
        if together and mine is None and self._depends(older, younger):
            return "one depends on the other, and nothing else explains it"
        if together and mine is None and other is None and self._unnamed(older) and self._unnamed(younger):
            nodes = [self._nodes(problem) for problem in (older, younger)]
            if not nodes[0].isdisjoint(nodes[1]):
                return "they began together on the same server, and nothing explains them"
        return None

    def _is_one_of_many(self, older: OpenProblem, younger: OpenProblem) -> bool:
        """Whether all of a problem is like what another one has very many of: causes are not looked for in each."""
        if not all(is_crowd(older.incident, rule) for rule in younger.incident.rules):
            return False
        return not self._nodes(older).isdisjoint(self._nodes(younger))

    def _explains_all(self, cause: Cause, problem: OpenProblem) -> bool:
        """Whether a cause explains all of a problem: every alert that is open, the one that opened it among them; of
        one that had no more than a guess when its alerts were over, every alert that it had."""
        if not problem.places:
            return problem.root is None and self._all.covers(cause, problem.incident)
        reached = self._all.explained(cause)
        begun = problem.incident.alerts[:1]
        return not set(begun).isdisjoint(self._idents(problem)) and all(place in reached for place in problem.places)

    def _depends(self, one: OpenProblem, other: OpenProblem) -> bool:
        """Whether all that is open of one problem is below what the other is about, or lives on it."""
        reached = self._near(other)
        return bool(one.places) and all(place in reached for place in one.places)

    def _near(self, problem: OpenProblem) -> set[str]:
        """The alerts that something wrong with what a problem is about can bring about."""
        return self._all.near(problem.incident)

    def _may_explain(self, cause: Cause | None, problem: OpenProblem) -> bool:
        """Whether a cause explains rules such as those of a problem; where none is named, anything may."""
        entry = CAUSES.get(cause.code) if cause is not None else None
        return entry is None or {self._all.alert(place).rule for place in problem.places} <= entry.explains

    def _idents(self, problem: OpenProblem) -> Iterable[str]:
        return (self._all.alert(place).id for place in problem.places)

    def _nodes(self, problem: OpenProblem) -> set[str]:
        return {node for about in problem.incident.subjects for node in self._topology.nodes_of(about)}

    def _unnamed(self, problem: OpenProblem) -> bool:
        return self._all.now - problem.incident.detected_at >= UNNAMED_S


def _surer(one: Cause | None, other: Cause) -> bool:
    """Whether a cause leaves no doubt, or stands above another."""
    return one is not None and (one.confidence >= CERTAIN or one.confidence > other.confidence)
