"""Shadow rules: limits that are tried beside those in force. They fire and resolve here, and nowhere else. Pure.

A tracer of the fold: it is given each value that is measured, and takes it through the same lifecycle with other
limits. No alert, no incident and no notification comes of it, and the judgement does not depend on it. It remembers
nothing over a restart, or when a partition moves to another worker.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from leadline.model.alert import Severity, Verdict
from leadline.model.ids import AlertId
from leadline_streams.judge import lifecycle
from leadline_streams.judge.alerting import name_of
from leadline_streams.judge.engine import LinkReading
from leadline_streams.judge.lifecycle import LifecycleStep
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.problem_state import AlertState
from leadline_streams.judge.rule import AnyRule, ClusterContext

PASS_EVERY_S = 1.0
LAPSED_S = 30.0
"""A healthy subject is not measured: after so long without a value the breach is over, or not seen any more."""
MOST_ALERTS = 10_000

Place = tuple[str, str, str]
"""Cluster, rule and subject."""


@dataclass(frozen=True, slots=True)
class ShadowStep:
    """A shadow rule fires, or resolves. ``at`` is event time in seconds."""

    cluster: str
    rule: str
    about: str
    """The subject in the words of people."""
    fires: bool
    severity: Severity
    value: float | None
    threshold: float
    at: float
    summary: str


@dataclass(slots=True)
class _Shadowed:
    alert: AlertState
    limits: Limits
    seen_at: float
    summary: str = ""


class Shadow:
    """Tries the limits of ``rules`` on everything that is measured, and calls ``report`` for each step."""

    def __init__(
        self,
        rules: Mapping[str, dict[str, float | bool | None]],
        pending_grace_s: float,
        report: Callable[[ShadowStep], None],
    ) -> None:
        self._rules = rules
        self.watches = frozenset(rules)
        self._grace_s = pending_grace_s
        self._report = report
        self._open: dict[Place, _Shadowed] = {}
        self._passed: dict[str, float] = {}
        """By cluster: when its alerts were last looked at."""

    def measured(self, rule: AnyRule, limits: Limits, context: ClusterContext, value: float | None) -> None:
        """Take a value through the lifecycle with the limits that are tried."""
        cluster, now = context.cluster.cluster, context.now
        if now - self._passed.get(cluster, 0.0) >= PASS_EVERY_S:
            self._passed[cluster] = now
            self._pass(cluster, now)
        changed = self._rules.get(rule.name)
        if changed is None:
            return
        about = context.subject
        place = cluster, rule.name, about.id
        kept = self._open.get(place)
        if kept is None:
            tried = replace(limits, **{**changed, "enabled": True})
            severity = tried.severity(value) if value is not None and value == value else None
            if value is None or severity is None or len(self._open) >= MOST_ALERTS:
                return
            alert = AlertState(AlertId(""), rule.name, about, None, "ok", severity, now, None)
            alert.value, alert.threshold = value, tried.level(severity)
            kept = self._open[place] = _Shadowed(alert, tried, now)
            steps = lifecycle.open_pending(alert, tried, now)
        elif value is not None and value != value:
            steps = lifecycle.lost(kept.alert, now)
        else:
            steps = lifecycle.measured(kept.alert, kept.limits, value, now)
        kept.seen_at = now
        if value is not None and value == value and (kept.alert.state == "pending" or steps):
            kept.summary = rule.words(context, kept.alert.value or 0.0).summary
        self._take(place, kept, steps)

    def judged(self, link: LinkState, verdict: Verdict, reading: LinkReading, now: float) -> None:
        """Verdicts have no limits."""

    def _pass(self, cluster: str, now: float) -> None:
        """Take the steps of a cluster whose time has come."""
        for place, kept in [each for each in self._open.items() if each[0][0] == cluster]:
            if now - kept.seen_at >= LAPSED_S and kept.alert.clear_since is None:
                self._take(place, kept, lifecycle.measured(kept.alert, kept.limits, None, now))
            due = lifecycle.next_due(kept.alert, kept.limits, self._grace_s)
            if due is not None and due <= now:
                step = lifecycle.due(kept.alert, kept.limits, self._grace_s)
                self._take(place, kept, [step] if step is not None else [])

    def _take(self, place: Place, kept: _Shadowed, steps: list[LifecycleStep]) -> None:
        for step in steps:
            if step.to in ("ok", "resolved"):
                del self._open[place]
            fires = step.to == "firing" and step.from_ in ("pending", "ok")
            if not fires and step.to != "resolved":
                continue
            alert, cluster, rule = kept.alert, place[0], place[1]
            about = name_of(alert.subject)
            summary = kept.summary or f"{rule} on {about}"
            self._report(
                ShadowStep(
                    *(cluster, rule, about, fires, alert.severity, alert.value, alert.threshold, step.at, summary)
                )
            )
