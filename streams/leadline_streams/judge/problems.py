"""The incidents of a cluster: one for each problem.

An alert that fires opens an incident, unless it is a part of a problem that is open or ended a short time ago. Very
many alike that fire at once open one.
Incidents that turn out to have one root are merged, the younger into the older. An incident ends when none of its
alerts has been open for a while. Notices and advices open none; they are shown with the one whose cause explains them.
"""

from collections.abc import Iterable
from math import inf

from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline_streams.judge import incident as incidents
from leadline_streams.judge import limits, notices
from leadline_streams.judge.grouping import Grouping, OpenProblem, pages
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.notices import Explained
from leadline_streams.judge.one_problem import Comparison
from leadline_streams.judge.problem_state import AlertState, IncidentState
from leadline_streams.judge.reported_causes import ended_by
from leadline_streams.judge.state import LARGE, Memory
from leadline_streams.judge.topology import Topology

DIAGNOSE_EVERY_S = 1.0
"""While an incident is open the causes are looked for this often, and at every transition."""
NOTICED_EVERY_S = 30.0
"""The same while no more than notices are open, after their first minute."""
FRESH_S = 60.0
MOST_OPEN = 20
"""Beyond this number of open incidents of a cluster, what begins becomes a part of the youngest."""
MANY_ALIKE = 10
"""So many alerts of one rule that fire at once on one server, or on links from it, are one problem from the start."""
MOST_COMPARED = 2 * MOST_OPEN
"""So many are compared with each other, before what is one problem is merged."""
MOST_ENDED = 10
"""So many ended incidents of a cluster are remembered, to be reopened."""

Records = list[Incident]


class Problems:
    """The incidents of one cluster, in its memory."""

    __slots__ = ("_judgement", "_memory")

    def __init__(self, memory: Memory, judgement: Judgement) -> None:
        self._memory = memory
        self._judgement = judgement

    def note(self, alert: AlertState, transition: Transition, at: float) -> None:
        """Fold a transition into the incidents; they are compared again when all of the moment are there."""
        to, reason = transition.to, transition.reason
        if to in ("ok", "pending") or reason == "diagnosed":
            return
        about, rule = transition.subject.id, transition.rule
        if to == "unknown":
            line = f"{rule} is unknown: no data about {about}"
        elif to == "resolved":
            line = transition.summary if reason == "retired" else f"{rule} resolved: {transition.summary}"
        elif reason == "data_back":
            line = f"{rule} still fires: {transition.summary}"
        elif transition.from_ == "firing":
            line = f"{rule} is {transition.severity} now: {transition.summary}"
        else:
            line = f"{rule} fires: {transition.summary}"
        for incident in self._memory.incidents:
            if alert.incident in (incident.id, None) and alert.id in incident.alerts:
                incident.quiet_since = None if to != "resolved" else incident.quiet_since
                incident.changed = True
                incident.last_end = transition.summary if to == "resolved" else incident.last_end
                incidents.say(incident, at, line)
        memory = self._memory
        soonest = memory.diagnosed_at + DIAGNOSE_EVERY_S if len(memory.alerts) + len(memory.links) > LARGE else at
        memory.news = True
        memory.diagnose_at = min(memory.diagnose_at, max(at, soonest))
        memory.next_due = min(memory.next_due, memory.diagnose_at)

    def changed(self, now: float) -> Records:
        """The records of the incidents that the latest configuration changes belong to."""
        topology = Topology(self._memory, self._memory.alerts)
        for incident in self._memory.incidents:
            self._fit_changes(incident, topology)
        return self._records(topology, now)

    def follow_up(self, now: float) -> tuple[Records, Explained]:
        """Find the causes of open alerts, compare the incidents, and note which are quiet."""
        memory = self._memory
        if not memory.incidents and not self._asking():
            memory.diagnose_at, memory.news = inf, False
            return [], []
        self._begin(now)
        grouping = Grouping(memory, self._judgement, now)
        grouping.diagnose()
        self._part(grouping, now)
        records = self._merge(grouping, now)
        for problem in grouping.problems:
            self._settle(problem, grouping, now)
        explained = notices.explain(memory, grouping, now)
        records += self._records(grouping.topology, now)
        memory.diagnosed_at, memory.news = now, False
        memory.diagnose_at = now + self._every(now)
        return records, explained

    def ends_at(self, incident: IncidentState) -> float:
        """When an incident ends if nothing happens until then; never while it is not quiet."""
        if incident.quiet_since is None:
            return inf
        policy = self._judgement.policy
        quiet_s = policy.quiet_s * float(1 << min(len(incident.reopened), 10))
        return incident.quiet_since + min(quiet_s, max(policy.quiet_s, policy.reopen_s))

    def end(self, ident: str, now: float) -> Records:
        """End an incident that has been quiet for long enough, unless a breach that belongs to it is pending."""
        memory = self._memory
        incident = next(each for each in memory.incidents if each.id == ident)
        grouping = Grouping(memory, self._judgement, now)
        problem = next(each for each in grouping.problems if each.incident is incident)
        if problem.places or Comparison(grouping).holds(problem):
            incident.quiet_since = None
            memory.diagnose_at = now
            return []
        incident.ended_at = now
        why = ended_by(incident)
        incidents.say(incident, now, f"resolved: {why}" if why else "resolved")
        memory.incidents.remove(incident)
        oldest = now - self._judgement.policy.reopen_s
        memory.ended = [each for each in (*memory.ended, incident) if each.ended_at >= oldest][-MOST_ENDED:]
        return [incidents.record(memory, incident, grouping.topology, now)]

    # Inside

    def _begin(self, now: float) -> None:
        """Open incidents for the alerts that fire and are a part of none: one for each, or one for very many alike."""
        alike: dict[tuple[str, str | None], list[AlertState]] = {}
        for alert in self._memory.alerts.values():
            if alert.state == "firing" and alert.incident is None and pages(alert):
                alike.setdefault((alert.rule, alert.subject.upstream or alert.owner), []).append(alert)
        begun = [[alert] for alerts in alike.values() if len(alerts) < MANY_ALIKE for alert in alerts]
        begun += [alerts for alerts in alike.values() if len(alerts) >= MANY_ALIKE]
        for alerts in sorted(begun, key=lambda alerts: alerts[0].since):
            incident = self._home(alerts[0], now)
            for alert in alerts:
                incidents.join(incident, alert)
            incidents.say(incident, now, incidents.fires(alerts))

    def _home(self, alert: AlertState, now: float) -> IncidentState:
        """The incident that an alert opens; where very many fire, one that has many of its kind."""
        memory = self._memory
        crowd = next((each for each in memory.incidents if incidents.is_crowd(each, alert.rule)), None)
        if crowd is None and len(memory.incidents) >= MOST_COMPARED:
            others = (each for each in reversed(memory.incidents) if alert.rule in each.rules)
            crowd = next(others, memory.incidents[-1])
        if crowd is None:
            crowd = incidents.begin(memory.cluster, alert, now)
            memory.incidents.append(crowd)
        return crowd

    def _part(self, grouping: Grouping, now: float) -> None:
        """Let alerts that turn out to have another root leave their incident for the one of that root, or a new one."""
        memory, compared = self._memory, Comparison(grouping)
        for _ in range(MOST_OPEN):  # a bound, whatever the causes are: the rest moves at the next turn
            if (moved := compared.moved()) is None:
                break
            problem, other, places = moved
            self._move(problem, other, places, now)
            grouping.diagnose()
        while len(memory.incidents) < MOST_OPEN and (split := compared.split()) is not None:
            problem, places, cause = split
            alerts = [memory.alerts[place] for place in places]
            earliest = min(alerts, key=lambda alert: (alert.since, alert.id))
            incident = incidents.apart(memory.cluster, earliest, now, problem.incident.id)
            memory.incidents.append(incident)
            other = OpenProblem(incident, [], [cause])
            grouping.problems.append(other)
            self._move(problem, other, places, now)
            grouping.diagnose()

    def _move(self, problem: OpenProblem, other: OpenProblem, places: list[str], now: float) -> None:
        old, new = problem.incident, other.incident
        root = other.causes[0].code
        for place in places:
            alert = self._memory.alerts[place]
            incidents.join(new, alert)
            problem.places.remove(place)
            other.places.append(place)
            incidents.say(old, now, f"{alert.rule} on {alert.subject.id} belongs to {new.id}: its root is {root}")
            incidents.say(new, now, f"{alert.rule} on {alert.subject.id} was a part of {old.id}: its root is {root}")
        old.changed = True

    def _merge(self, grouping: Grouping, now: float) -> Records:
        """Merge what is one problem, and reopen what returned; the records of incidents that are no more."""
        records: Records = []
        memory = self._memory
        while True:
            found = Comparison(grouping).merge() or self._returned(grouping, now) or self._too_many(grouping)
            if found is None:
                return records
            older, younger, why = found
            mine, other = older.incident, younger.incident
            if other.seq:
                incidents.say(mine, now, f"{other.id} is merged into this one: {why}")
            incidents.absorb(mine, other, memory.alerts.values())
            if other.seq:
                incidents.say(other, now, f"merged into {mine.id}: {why}")
                other.ended_at = now
                records.append(incidents.record(memory, other, grouping.topology, now, into=mine.id))
            older.places += younger.places
            memory.incidents.remove(other)
            grouping.problems.remove(younger)
            grouping.diagnose()

    def _returned(self, grouping: Grouping, now: float) -> tuple[OpenProblem, OpenProblem, str] | None:
        """A new problem that is one which ended a short time ago."""
        memory = self._memory
        memory.ended = [each for each in memory.ended if now - each.ended_at <= self._judgement.policy.reopen_s]
        for younger in grouping.problems:
            if younger.incident.seq:
                continue
            for ended in reversed(memory.ended):
                if not Comparison(grouping).is_return(ended, younger):
                    continue
                memory.ended.remove(ended)
                incidents.reopen(ended, now)
                older = OpenProblem(ended, [], list(ended.causes))
                memory.incidents.insert(0, ended)
                grouping.problems.insert(0, older)
                return older, younger, "it returned"
        return None

    def _too_many(self, grouping: Grouping) -> tuple[OpenProblem, OpenProblem, str] | None:
        if len(grouping.problems) <= MOST_OPEN:
            return None
        limits.note(self._memory, "incidents", grouping.problems[-1].incident.id)
        return grouping.problems[-2], grouping.problems[-1], f"more than {MOST_OPEN} incidents are open"

    def _settle(self, problem: OpenProblem, grouping: Grouping, now: float) -> None:
        incident, memory, topology = problem.incident, self._memory, grouping.topology
        if problem.places:
            titles = {" ".join(key): found.title for key, found in grouping.found.items()}
            incidents.diagnosed(incident, problem.causes, titles, now, self._judgement.policy.together_s)
            incidents.weigh(incident, [memory.alerts[place] for place in problem.places])
            self._fit_changes(incident, topology)
        for ident in incidents.links_of(incident, topology):
            link = memory.links.get(ident)
            if link is not None and link.lag_s is not None and not link.lag_is_bound:
                incidents.lagged(incident, ident, link.lag_s)
        if problem.places or Comparison(grouping).holds(problem):
            incident.quiet_since = None
        elif incident.quiet_since is None:
            incident.quiet_since = now
            memory.next_due = min(memory.next_due, self.ends_at(incident))

    def _fit_changes(self, incident: IncidentState, topology: Topology) -> None:
        nodes = incidents.nodes_of(self._memory, incident, topology)
        incidents.fit_changes(incident, self._memory.changes, nodes)

    def _records(self, topology: Topology, now: float) -> Records:
        due: Iterable[IncidentState] = [each for each in self._memory.incidents if each.changed]
        return [incidents.record(self._memory, incident, topology, now) for incident in due]

    def _asking(self) -> list[AlertState]:
        """The alerts that fire and open an incident or may have a cause: those of an audit do neither."""
        firing = (alert for alert in self._memory.alerts.values() if alert.state == "firing")
        return [alert for alert in firing if alert.rule in self._judgement.explained or pages(alert)]

    def _every(self, now: float) -> float:
        memory = self._memory
        if memory.incidents:
            return DIAGNOSE_EVERY_S
        begun = [alert.since for alert in self._asking()]
        return DIAGNOSE_EVERY_S if begun and now - max(begun) < 10 * FRESH_S else NOTICED_EVERY_S
