"""The state of alerts, of incidents and of reports between observations.

Plain data, as in ``state``. Times are event time in seconds since the epoch.
"""

from math import inf

from msgspec import Struct, field

from leadline.model.alert import Severity, State, Subject
from leadline.model.finding import Finding
from leadline.model.ids import AlertId, IncidentId, NodeName
from leadline.model.incident import Cause, Change, TimelineEntry


class AlertState(Struct, omit_defaults=True):
    """An alert that is pending, firing or unknown."""

    id: AlertId
    rule: str
    subject: Subject
    owner: NodeName | None
    """The node whose samples decide it; None for a reported finding that is about no node."""
    state: State
    severity: Severity
    since: float
    """First breach of this period."""
    due: float | None
    """When pending turns to firing."""
    seq: int = 0
    value: float | None = None
    threshold: float = 0.0
    clear_since: float | None = None
    lower_since: float | None = None
    """Since when the value of a critical alert has only reached the warning level."""
    incident: IncidentId | None = None
    """The open incident that it keeps open; None for one that fired never, or opens none."""
    summary: str = ""
    """As last reported."""
    cause: str = ""
    """The first cause as last reported, of an alert that opens no incident."""
    sure: float = 0.0
    """The confidence of that cause when it was reported."""


class IncidentState(Struct, omit_defaults=True):
    """An incident that is open, or ended a short time ago."""

    id: IncidentId
    opened_at: float
    detected_at: float
    seq: int = 0
    severity: Severity = "warning"
    title: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    """The title that each cause would give it, by cause; those whose signs are gone too."""
    named_at: dict[str, float] = field(default_factory=dict)
    """When each cause was first named."""
    alerts: list[AlertId] = field(default_factory=list)
    """Every alert that was part of it, in the order of firing."""
    rules: list[str] = field(default_factory=list)
    """Their rules, each once."""
    causes: list[Cause] = field(default_factory=list)
    cause_at: float | None = None
    changes: list[Change] = field(default_factory=list)
    timeline: list[TimelineEntry] = field(default_factory=list)
    quiet_since: float | None = None
    best: dict[str, Cause] = field(default_factory=dict)
    """The surest form of each of its causes while there were signs of it, the newest of those, by cause."""
    gone_at: dict[str, float] = field(default_factory=dict)
    """Since when there are no signs of one, by cause."""
    last_end: str = ""
    """The end of the last of its alerts that ended, in words."""
    reported: Cause | None = None
    """The first cause as in the last record."""
    reported_lag_s: float = 0.0
    """The largest lag as in the last record."""
    reported_at: float = 0.0
    began_at: float = 0.0
    """When it was opened, or last reopened."""
    ended_at: float = 0.0
    """When it was resolved; 0 while it is open."""
    subjects: list[Subject] = field(default_factory=list)
    """Of its alerts, each once."""
    root: tuple[str, str] | None = None
    """Code and subject of the last first cause that left no doubt; None before there was one."""
    generation: int = 1
    peak: Severity = "info"
    """The highest severity since it was last reopened."""
    parted_from: IncidentId | None = None
    """The incident that its first alerts were a part of."""
    reopened: list[float] = field(default_factory=list)
    worst_lag_s: float | None = None
    lags_s: dict[str, float] = field(default_factory=dict)
    """The largest lag of each of its links."""
    changed: bool = False
    """Whether a record is due."""


class ReportState(Struct, omit_defaults=True):
    """The last report of one source of findings."""

    boot: str
    seq: int
    until: float
    """Its findings are unknown from then on."""
    alerts: list[str] = field(default_factory=list)
    """The places of the alerts that it decides."""
    silent: bool = False
    findings: list[Finding] = field(default_factory=list)
    """Those of the last report."""
    taken_at: float = 0.0
    """When it was taken: values that grow are older by the time since then."""
    ages_at: float = inf
    """When values that grow are compared with their limits again; infinite where none does."""
