"""Nodes, links and causes as a few samples show them, judged at once in this process: for ``leadline check``."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec.structs import replace

from leadline.clock import epoch
from leadline.errors import BadRecord
from leadline.model.alert import Transition
from leadline.model.incident import Cause
from leadline.model.observation import NodeSettings, Sample
from leadline.model.status import LinkStatus, NodeStatus
from leadline_streams.assembly import ENGINES, judgement
from leadline_streams.judge import status
from leadline_streams.judge.alerting import Output
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.diagnosis.moment import causes_now
from leadline_streams.judge.diagnosis.ranking import GUESS
from leadline_streams.judge.link_state import STAND_IN_S
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.state import Memory
from leadline_streams.judge.unseen import unseen
from leadline_streams.judge.verdict import STALLED_S
from leadline_streams.rules import RULES

CONFIRM_S = 60.0
"""A breach must be in the last look to count: longer than all looks together."""
CONFIRMS = 3
"""The look that confirms what only the second one showed."""
SLACK_S = 0.5
"""A look takes some time itself."""
FAILS = frozenset({"falling_behind", "catching_up", "replay_stalled", "cut_off", "broken"})
"""Verdicts that have a cause. Whether a lag grows shows with time."""
LONGEST_S = 8.0
"""Longest time for all looks: most who call a check wait for ten seconds."""
TICK_S = 2
"""A longer time without a tick counts as an outage, after which late samples are waited for."""
UNUSED_S = 300.0
"""Least time without a consumer after which a slot counts as unused."""


_ONCE = {name: {"warning": 1.0} for name, rule in RULES.items() if rule.window_s and rule.limits.for_s}
"""Rules that count repetitions and wait for them to last. In a few seconds what recurs happens once."""


_LISTED = {"server_not_watched": {"enabled": False}}
"""Rules about what ``unseen`` lists."""


class OneLook:
    """Judges samples that were taken together, without waiting for late ones."""

    def __init__(self, policy: Policy) -> None:
        self._judgement = judgement(_at_once(policy))
        self._clusters: dict[str, ClusterState] = {}
        self._alerts: dict[str, Transition] = {}
        """The newest transition of each alert."""
        self._now = 0.0
        self._began = 0.0
        """The end of the first look."""
        self._looks = 0

    def take(self, seen: Iterable[Sample | NodeSettings]) -> None:
        """Judge what was observed together, in the order of its time. What cannot be used changes nothing."""
        for each in sorted(seen, key=lambda one: one.sent_at):
            state = self._clusters.get(each.node.cluster)
            if state is None:
                state = self._clusters[each.node.cluster] = ClusterState(each.node.cluster, self._judgement)
            with suppress(BadRecord):
                self._note(state.observe(each))

    def tick(self, now: datetime) -> None:
        """Let time pass. Every agent has reported by now, so no link is provisional any more.

        What could be the upstream of several is decided with all that was seen, before the next look judges it.
        """
        self._now = epoch(now)
        self._began = self._began or self._now
        self._looks += 1
        for state in self._clusters.values():
            _discover_now(state.memory, self._now)
            for link in state.memory.links.values():
                link.created_at = min(link.created_at, self._now - STAND_IN_S)
            self._note(state.tick(now))

    def needs_another(self) -> bool:
        """Whether a later look shows which of two things is the case."""
        looked_s = self._now - self._began
        if self._is_ahead() or self._is_unjudged() or looked_s < min(self._shows_within_s() + SLACK_S, LONGEST_S):
            return True
        return looked_s < STALLED_S + SLACK_S and self._is_unexplained()

    def _is_unexplained(self) -> bool:
        """Whether a link is not well and no cause is more than a guess: that a link stands still shows with time."""
        links = [link for state in self._clusters.values() for link in state.memory.links.values()]
        return any(link.verdict in FAILS for link in links) and all(
            cause.confidence <= GUESS for cause in self.causes()
        )

    def _is_ahead(self) -> bool:
        """Whether a downstream shows more than its upstream did before it, which one more look confirms or not."""
        links = [link for state in self._clusters.values() for link in state.memory.links.values()]
        return self._looks < CONFIRMS and any(link.lead is not None and not link.lead_units for link in links)

    def _is_unjudged(self) -> bool:
        """Whether a link was found after the samples of its ends were judged, which the next look does."""
        links = [link for state in self._clusters.values() for link in state.memory.links.values()]
        return self._looks <= CONFIRMS and any(link.verdict == "unknown" for link in links)

    def _shows_within_s(self) -> float:
        return max(
            (
                ENGINES[node.node.engine].shows_within_s(state.memory, node, self._now)
                for state in self._clusters.values()
                for node in state.memory.nodes.values()
            ),
            default=0.0,
        )

    def conclude(self, now: datetime) -> None:
        """Let the breaches that both looks show fire."""
        for state in self._clusters.values():
            state.memory.rewire_at = None  # nothing more is seen: a link that was found now would not be judged
            _drop_unused_for_a_moment(state.memory)
            for after_s in range(0, round(CONFIRM_S) + TICK_S, TICK_S):
                self._note(state.tick(now + timedelta(seconds=after_s)), at_the_end=True)

    def nodes(self) -> list[NodeStatus]:
        """Every node, by cluster and name."""
        found = []
        for state in self._clusters.values():
            for _, node in sorted(state.memory.nodes.items()):
                engine = ENGINES[node.node.engine]
                found.append(status.publish_node(node, state.name, engine, self._now, 0.0))
        return found

    def links(self) -> list[LinkStatus]:
        """Every link, those to nodes without an agent too."""
        return [
            status.publish_link(
                link,
                state.memory.nodes.get(link.upstream),
                state.memory.nodes.get(link.downstream),
                state.name,
                self._now,
                0.0,
            )
            for state in self._clusters.values()
            for link in state.memory.links.values()
        ]

    def alerts(self) -> list[Transition]:
        """The breaches that both looks show, pages first."""
        firing = [alert for alert in self._alerts.values() if alert.to == "firing"]
        return sorted(firing, key=lambda alert: (RULES[alert.rule].entry.class_ != "page", alert.rule))

    def causes(self) -> list[Cause]:
        """The causes that one look shows, by cluster, the surest first; the likeliest guess where there is none."""
        return [
            cause for state in self._clusters.values() for cause in causes_now(state.memory, self._judgement, self._now)
        ]

    def unseen(self) -> list[str]:
        """Servers that are referred to and not watched, each with what would show it."""
        return [line for state in self._clusters.values() for line in unseen(state.memory, self._now)]

    def not_judged(self) -> list[str]:
        """For each cluster that has more than is judged: the limits that it has reached, and what is beyond them."""
        return [f"{name}: {state.beyond}" for name, state in self._clusters.items() if state.beyond]

    def limits(self, rule: str) -> tuple[float | None, float | None]:
        """The general warning and critical limits of a rule."""
        limits = next(
            check.limits for plan in self._judgement.general.values() for check in plan if check.rule.name == rule
        )
        return limits.warning, limits.critical

    def _note(self, outputs: Iterable[Output], *, at_the_end: bool = False) -> None:
        """Keep the newest transition of each alert. The time that passes at the end is in no text: nobody waited."""
        for output in outputs:
            if isinstance(output, Transition):
                before = self._alerts.get(output.alert_id)
                seen = before.summary if at_the_end and before is not None else output.summary
                self._alerts[output.alert_id] = replace(output, summary=seen)


def _discover_now(memory: Memory, now: float) -> None:
    """Let links that wait for a later discovery be found when time passes."""
    if memory.rewire_at is not None:
        memory.rewire_at = min(memory.rewire_at, now)
        memory.next_due = min(memory.next_due, now)


def _drop_unused_for_a_moment(memory: Memory) -> None:
    """A slot without a consumer is no finding unless the server says that it has been so for long."""
    for place, alert in list(memory.alerts.items()):
        if alert.rule == "slot_inactive":
            sample = memory.nodes[alert.owner].sample if alert.owner is not None else None
            slots = [slot for slot in sample.slots if slot.name == alert.subject.name] if sample is not None else []
            if not slots or (slots[0].inactive_s or 0.0) < UNUSED_S:
                del memory.alerts[place]


def _at_once(policy: Policy) -> Policy:
    """The policy without waiting for late samples and for a breach to last; nobody is silent meanwhile."""
    rules = {
        name: {**_ONCE.get(name, {}), **_LISTED.get(name, {}), **policy.rules.get(name, {}), "for_s": CONFIRM_S}
        for name in RULES
    }
    overrides = tuple(
        replace(override, rules={name: {**given, "for_s": CONFIRM_S} for name, given in override.rules.items()})
        for override in policy.overrides
    )
    return replace(policy, lateness_s=0.0, stale_after_s=10 * CONFIRM_S, rules=rules, overrides=overrides)
