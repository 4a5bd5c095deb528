"""The form of catalogue entries, and sets of rules that many causes explain."""

from dataclasses import dataclass
from typing import Literal

from leadline.model.alert import SubjectKind

Class = Literal["page", "notice", "advice"]
"""The urgency of a finding. ``page``: somebody must act now. ``notice``: somebody must know today. ``advice``: it
belongs in a report. The pages and lists of rules show it; the judgement does not read it, and every class
opens incidents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEntry:
    """A rule, as everything but the judgement needs it."""

    code: str
    family: str
    on: SubjectKind
    unit: str
    """Of the number that it measures; empty where that only stands for a state."""
    help: str
    """The number that it measures, and where it does not apply."""
    impact: str
    """The effect of its alert on people and data, for the post-mortem."""
    class_: Class = "page"
    needs: str = ""
    """The capability that a server must have, or nothing is measured; empty where every version will do."""

    @property
    def runbook(self) -> str:
        """Path of its runbook."""
        return f"docs/runbooks/{self.code}.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseEntry:
    """A cause, as everything but its signature needs it."""

    code: str
    family: str
    help: str
    """Its signature, in one line."""
    explains: frozenset[str]
    """The rules whose alerts it can explain. It is evaluated only while one of them has an open alert."""
    improvements: tuple[str, ...]
    """Changes to how things are built, so that it does not return."""
    tasks: tuple[str, ...]
    """Work that is done once."""


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
"""Rules by which a link, its slot or commits that wait for it show that it carries nothing."""
DISABLED = CUT | {"subscription_disabled"}
"""Rules by which a subscription that is switched off shows."""
FAILING = DISABLED | {"apply_error", "apply_conflict"}
"""Rules by which an apply worker shows that it cannot write what it is sent: an error may switch it off."""
