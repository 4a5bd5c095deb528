"""The result of one audit of a cluster, dated: what was found, what was accepted and what was not seen.

The stream worker writes one for each scheduled audit; the incident log keeps them as evidence. ``audit_id`` names a
result for ever: one that is written again after a restart is the same.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from msgspec import Meta

from leadline.model import Count, Time, Value
from leadline.model.alert import Severity, Subject
from leadline.model.ids import ClusterName, NodeName

AuditOrigin = Literal["scheduled", "changed"]
"""Whether its time had come, or other findings than in the last result made it due."""


COSTS: Final[dict[Severity, int]] = {"critical": 25, "warning": 5, "info": 0}
"""Points that a rule costs, however many violations of it there are."""


def score(found: Iterable[tuple[str, Severity]]) -> int:
    """100 less 25 for each rule with a critical finding and 5 for each with a warning, and never below 0."""
    worst: dict[str, int] = {}
    for rule, severity in found:
        worst[rule] = max(worst.get(rule, 0), COSTS[severity])
    return max(0, 100 - sum(worst.values()))


class FindingAcceptance(Value, frozen=True, kw_only=True):
    """Somebody answers for a finding until a day."""

    owner: str
    reason: str
    until: str
    """The last day, ``2027-06-30``."""


class AuditedFinding(Value, frozen=True, kw_only=True):
    """One violation of one rule by one subject."""

    finding_id: str
    """The same at every audit: it depends on the rule and the subject, never on a value."""
    rule: str
    """``PG-SBY-001``."""
    title: str
    """The rule in words."""
    severity: Severity
    subject: Subject
    nodes: tuple[NodeName, ...] = ()
    """The servers that it is about: both ends of a link; all servers of a cluster that it is about as a whole."""
    summary: str
    value: str = ""
    """The first fact behind it, as ``name = value``; empty where there is none."""
    since: Time
    """The audit that found it first, without a break."""
    judged: bool = True
    """Whether this audit could judge it; an earlier one found it where it could not."""
    accepted: FindingAcceptance | None = None
    """None where nobody answers for it, or its day has passed."""
    acceptance_ended: str | None = None
    """The last day of an acceptance that has passed."""


class NotJudged(Value, frozen=True, kw_only=True):
    """A rule that could not be judged about a subject."""

    rule: str
    """Empty where none could be: the server was not read."""
    subject: str
    """The identity."""
    reason: str
    """With what would show it."""


class AuditCounts(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Numbers of findings and rules, with those that ``left_out`` counts."""

    critical: Count = 0
    """Findings that are not accepted, like the two below."""
    warning: Count = 0
    info: Count = 0
    accepted: Count = 0
    held: Count = 0
    """Rules that held, each counted once for every subject."""
    not_judged: Count = 0


class AuditResult(Value, frozen=True, kw_only=True):
    """One audit of one cluster."""

    audit_id: Annotated[str, Meta(min_length=1)]
    """``orders/2026-11-30T16:00:00.000Z``."""
    cluster: ClusterName
    audited_at: Time
    """Event time: that of the newest observation that was judged."""
    origin: AuditOrigin = "scheduled"
    facts_as_of: str
    """The day of the facts about versions, ``2026-11-29``."""
    nodes: tuple[NodeName, ...] = ()
    """The servers that were read."""
    score: Annotated[int, Meta(ge=0, le=100)]
    """100 less 25 for each rule with a critical finding that is not accepted, and 5 for each with a warning."""
    counts: AuditCounts
    findings: tuple[AuditedFinding, ...] = ()
    """By severity, then by rule and subject; the accepted ones are among them."""
    not_judged: tuple[NotJudged, ...] = ()
    """By rule and subject."""
    left_out: dict[str, Count] = {}
    """By ``findings`` and ``not_judged``: how many more there were than a record has room for."""
