"""What a cause is, what it may look at, and how causes are ranked.

A cause looks at an incident's cluster and claims what it can evidence. To add one, write one file in
``leadline_streams/causes`` that defines ``CAUSE``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leadline.model.alert import Evidence, Subject
from leadline.model.incident import Cause, Change
from leadline.model.observation import Downstream, Sample, Slot, Subscription
from leadline_streams.engines.postgresql.topology import root_of
from leadline_streams.judge.lsn_clock import LsnClock
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import AlertState, LinkState, NodeState
from leadline_streams.judge.subject import of_node, of_slot

if TYPE_CHECKING:
    from leadline_streams.judge.cluster import ClusterState

LATE = frozenset({"replication_lag", "replication_lag_bytes", "replication_stalled", "lag_forecast"})
"""Rules by which a link shows that it is behind."""
CUT = LATE | {
    "replication_cut_off",
    "slot_inactive",
    "slot_lost",
    "slot_retention_forecast",
    "sync_commit_blocked",
    "sync_degraded",
}
"""Rules by which a link, its slot or those who wait for it show that it carries nothing."""
FADED = 0.9
"""What a cause keeps of its confidence when its signs are gone: healing hides the signs before the alerts clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCase:
    """One link in trouble and all that is known at both ends. An end is None when no agent looks at it."""

    link: LinkState
    up: NodeState | None
    down: NodeState | None
    row: Downstream | None
    """The sender's row for the link; None when it is not connected or the upstream does not answer."""
    slot: Slot | None
    subscription: Subscription | None
    clock: LsnClock
    """The root primary's."""
    rules: frozenset[str]
    """Rules with an open alert on this link, its slot, its subscription or its ends."""

    @property
    def sample(self) -> Sample | None:
        """What the downstream shows; None when it does not answer."""
        return self.down.sample if self.down is not None and self.down.answers else None

    @property
    def wait(self) -> str:
        """What the downstream's startup process waits for, ``type/event``; empty when it is busy or unknown."""
        sample = self.sample
        return (sample.positions.startup_wait or "") if sample is not None and sample.positions is not None else ""


@dataclass(frozen=True, slots=True)
class Case:
    """An incident's cluster as the causes see it. Read only."""

    cluster: "ClusterState"
    now: float
    opened_at: float
    alerts: list[AlertState]
    """Open alerts, pending ones among them."""
    links: list[LinkCase]
    """Links that are not well or have an open alert."""
    rules: frozenset[str]
    """Rules with an open alert anywhere in the cluster."""
    fired: frozenset[str]
    """Rules that fired in this incident; those of alerts that are pending only are not among them."""
    changes: list[Change]
    """Recent configuration changes, oldest first."""
    named: frozenset[tuple[str, str]]
    """Causes named before in this incident, by code and subject: what is over explains what is left."""

    @property
    def nodes(self) -> list[NodeState]:
        """Every node of the cluster."""
        return list(self.cluster.memory.nodes.values())

    @property
    def physical(self) -> list[LinkCase]:
        """The physical ones of ``links``."""
        return [it for it in self.links if it.link.kind == "physical"]

    @property
    def lost(self) -> list[LinkCase]:
        """The physical links that carry nothing although both ends answer, and belong to the same system."""
        return [it for it in self.physical if not it.link.connected and _could_speak(it)]

    def root(self, it: LinkCase) -> NodeState | None:
        """The primary at the top of a link's chain, as far as agents can see."""
        return root_of(self.cluster.memory, it.link.upstream)

    def about_node(self, node: NodeState) -> Subject:
        """A node as a claim's subject."""
        return of_node(self.cluster.name, node.name)

    def about_slot(self, node: NodeState, slot: str) -> Subject:
        """A slot as a claim's subject."""
        return of_slot(self.cluster.name, node.name, slot)

    def setting(self, node: NodeState | None, name: str) -> str | None:
        """A node's setting as the server reports it, without its unit; None when it is not known."""
        value = node.settings.get(name) if node is not None else None
        return value.value if value is not None else None

    def number(self, node: NodeState | None, name: str) -> int | None:
        """A node's setting that is a whole number; None when it is not known or none."""
        try:
            return int(self.setting(node, name) or "")
        except ValueError:
            return None

    def shown(self, node: NodeState | None, name: str) -> str:
        """A node's setting for people: ``30000 ms``."""
        value = node.settings.get(name) if node is not None else None
        if value is None:
            return "unknown"
        return _value(value.value, value.unit)

    def changed(self, node: NodeState | None, *settings: str) -> Change | None:
        """The latest recent change of any of these settings on a node."""
        for change in reversed(self.changes):
            if node is not None and change.node == node.name and change.setting in settings:
                return change
        return None

    def blame(self, node: NodeState | None, *settings: str) -> tuple[str, list[Evidence]]:
        """Who let it happen: the latest recent change of these settings, as an end for the summary and as evidence."""
        change = self.changed(node, *settings)
        return self.told(node, change) if change is not None else ("", [])

    def told(self, node: NodeState | None, change: Change) -> tuple[str, list[Evidence]]:
        """One change of a node's, as an end for the summary and as evidence."""
        now = node.settings.get(change.setting) if node is not None else None
        before, after = (_value(value, now.unit if now is not None else None) for value in (change.from_, change.to))
        move = f"changed from {before} to {after} at {change.at:%H:%M:%S} UTC"
        return (
            f"; {change.setting} on {change.node} was {move}",
            [fact(change.setting, after, change.node, move)],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a cause says about a case. ``confidence`` is from 0 to 1; 0.9 and above means the signs leave no doubt."""

    subject: Subject
    confidence: float
    title: str
    """What happens, in a few words: the incident's title after the cluster's name."""
    summary: str
    """What happens and what lets it happen, naming node, setting, query, slot or row."""
    fix: str
    """What to do, as a statement or command where there is one."""
    evidence_for: list[Evidence] = field(default_factory=list)
    evidence_against: list[Evidence] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRule:
    """One cause. It is asked only while one of the rules it explains has an open alert."""

    code: str
    help: str
    """Its signature, in one line."""
    explains: frozenset[str]
    find: Callable[[Case], Iterator[Claim]]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Ranked causes, and the title that each would give, by ``name_of``; only of those whose signs are there now."""

    causes: list[Cause]
    titles: dict[str, str]


def diagnose(case: Case, catalogue: dict[str, CauseRule], before: list[Cause]) -> Diagnosis:
    """Ask every cause that could explain an open alert; rank by confidence, then by code.

    Those that explain nothing that fired come last: a standby is restarted to mend what fired, and its being down is
    no cause of that.
    Causes named before whose signs are gone stay, a little less sure, so that healing does not rewrite history.
    """
    titles: dict[str, str] = {}
    found: dict[tuple[str, str], Cause] = {}
    for rule in catalogue.values():
        if rule.explains.isdisjoint(case.rules):
            continue
        for claim in rule.find(case):
            key = (rule.code, claim.subject.id)
            found[key] = Cause(
                code=rule.code,
                confidence=round(claim.confidence, 2),
                subject=claim.subject,
                summary=claim.summary,
                fix=claim.fix,
                evidence_for=claim.evidence_for,
                evidence_against=claim.evidence_against,
            )
            titles[name_of(found[key])] = claim.title
    for cause in before:
        key = (cause.code, cause.subject.id)
        if key not in found and cause.code != "unknown":
            found[key] = _faded(cause)

    def place(cause: Cause) -> tuple[bool, float, str, str]:
        rule = catalogue.get(cause.code)
        beside = rule is not None and rule.explains.isdisjoint(case.fired)
        return beside, -cause.confidence, cause.code, cause.subject.id

    ranked = sorted(found.values(), key=place)
    return Diagnosis(ranked, titles)


def name_of(cause: Cause) -> str:
    """What tells a cause from the others of its incident."""
    return f"{cause.code} {cause.subject.id}"


def _could_speak(it: LinkCase) -> bool:
    up, down = it.up, it.down
    if up is None or down is None or not up.answers or not down.answers:
        return False
    return up.node.system_id == down.node.system_id


def literal(text: str) -> str:
    """A name as an SQL string in a fix."""
    return "'" + text.replace("'", "''") + "'"


def _value(value: str | None, unit: str | None) -> str:
    """A setting's value for people. -1 and 0 mean "never" or "off" nearly everywhere."""
    if not value:
        return "unset" if value is None else "empty"
    return f"{value} {unit}" if unit and value not in ("-1", "0") else value


_GONE = Evidence(name="signs", value="gone", note="no longer seen in the samples")


def _faded(cause: Cause) -> Cause:
    if _GONE in cause.evidence_against:
        return cause
    return Cause(
        code=cause.code,
        confidence=round(cause.confidence * FADED, 2),
        subject=cause.subject,
        summary=cause.summary,
        fix=cause.fix,
        evidence_for=cause.evidence_for,
        evidence_against=[*cause.evidence_against, _GONE],
    )
