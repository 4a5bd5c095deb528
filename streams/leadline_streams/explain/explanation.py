"""The judgement of one subject at one time, explained: plain values for a page, a program or a screen."""

from typing import Literal

from leadline.model import Time, Value
from leadline.model.alert import Severity, State, Verdict

Outcome = Literal["fires", "pending", "unknown", "quiet", "not_seen"]


class Look(Value, frozen=True, kw_only=True):
    """The looks at a node."""

    node: str
    role: str
    health: str
    last_at: Time | None
    """The last look that was judged; None when there was none."""
    age_s: float | None
    """Its age at the time that is explained."""
    looks: int
    """Looks that were judged in the time that was read."""
    longest_gap_s: float
    """The longest time between two of them."""
    note: str = ""
    """The reason for which it cannot be read, or only a part of it."""


class VerdictChange(Value, frozen=True, kw_only=True):
    """A verdict that a link was given, and why."""

    at: Time
    verdict: Verdict
    why: str


class LimitOrigin(Value, frozen=True, kw_only=True):
    """One limit of a rule in force, and the setting that gives it; ``default`` where none does."""

    name: str
    value: float | bool | None
    origin: str


class RuleExplained(Value, frozen=True, kw_only=True):
    """A rule about one subject."""

    rule: str
    subject: str
    about: str
    """The subject in the words of people."""
    unit: str
    state: State | Literal["off", "not_measured"]
    severity: Severity | None
    """Of its alert; None without one."""
    value: float | None
    """As measured at the time that is explained; None where nothing is wrong or nothing is known."""
    known: bool
    """Whether it could be measured."""
    limits: list[LimitOrigin]
    breaching_since: Time | None = None
    fires_in_s: float | None = None
    """While it is pending: until it fires if the breach lasts; None while that waits for data."""
    resolves_in_s: float | None = None
    """While it fires and the value is clear: until it resolves if it stays so."""
    peak: float | None = None
    """The worst value that was measured in the time that was read."""
    peak_at: Time | None = None
    longest_breach_s: float = 0.0
    """The longest breach in that time."""
    why: str = ""
    """The meaning of that for the alert, in words."""
    incident: str | None = None
    """The incident that it is a part of."""

    @property
    def reports(self) -> bool:
        """Whether it has more to report than that all is well by default limits."""
        changed = any(each.origin != "default" for each in self.limits)
        return self.severity is not None or self.longest_breach_s > 0.0 or self.value is not None or changed


class HeldBack(Value, frozen=True, kw_only=True):
    """Something that keeps an alert from opening an incident, or an incident from being sent."""

    kind: Literal[
        "silence",
        "acknowledged",
        "joined",
        "root",
        "notice",
        "standing",
        "rule_off",
        "blind",
        "no_data",
        "settling",
        "datacenter",
    ]
    what: str
    since: Time | None = None
    until: Time | None = None


class TargetNotified(Value, frozen=True, kw_only=True):
    """The last delivery of an incident to one target."""

    target: str
    outcome: str
    at: Time
    why: str = ""


class IncidentExplained(Value, frozen=True, kw_only=True):
    """An incident that the subject is a part of."""

    incident_id: str
    state: Literal["open", "resolved"]
    severity: Severity
    title: str
    opened_at: Time
    cause: str
    """The first cause with its subject; empty while none is named."""
    confidence: float
    timeline: list[str]
    """The newest entries."""


class Explanation(Value, frozen=True, kw_only=True):
    """The reasons for which something was reported about a subject, or was not."""

    subject: str
    cluster: str
    at: Time
    read_from: Time
    """The first observation that was judged. What began earlier is not seen."""
    outcome: Outcome
    answer: str
    """Everything in one line."""
    verdict: Verdict | None
    verdict_since: Time | None
    verdict_why: str
    verdicts: list[VerdictChange]
    """The newest ones, oldest first."""
    looks: list[Look]
    rules: list[RuleExplained]
    """Those that fire first, then by how near they are to it."""
    incidents: list[IncidentExplained]
    held_back: list[HeldBack]
    sent: list[TargetNotified] | None
    """None where deliveries were not looked for, as in a recording."""
    not_seen: list[str]
    """Facts that the explanation could not take into account."""
