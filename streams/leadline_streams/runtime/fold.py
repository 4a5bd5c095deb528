"""A cluster as a partition holds it: the interface of its judgement, its offsets, and what some records came to."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from leadline.deadletters import Rejected
from leadline.model.alert import Transition
from leadline.model.audit_look import AuditLook
from leadline.model.audit_result import AuditResult
from leadline.model.change_record import ChangeRecord
from leadline.model.finding import EngineVitals, FindingReport
from leadline.model.incident import Incident
from leadline.model.lag import LagRollup
from leadline.model.observation import NodeSettings, Sample
from leadline.model.retirement import Retirement
from leadline.model.status import LinkStatus, NodeStatus
from leadline_streams.judge.status import Forgotten
from leadline_streams.runtime.cluster_failure import ClusterFailure, Kind

Observed = Sample | NodeSettings | FindingReport | Retirement | AuditLook | EngineVitals
Output = Transition | Incident | LinkStatus | NodeStatus | Forgotten | LagRollup | AuditResult | ChangeRecord
ROUTINE = (LagRollup, LinkStatus, NodeStatus, Forgotten)
"""Outputs after which a state need not be saved at once: they are sent again, or replaced by the next."""


class Fold(Protocol):
    """The judgement of one cluster, as a partition needs it."""

    unfinished: bool
    """Whether ``evaluate`` or ``tick`` returned before all was judged: ``evaluate`` goes on."""
    spent: int
    """A measure of what was judged, which whoever reads it sets to 0."""

    @property
    def beyond(self) -> str:
        """The limits that the cluster has reached, in words; empty when it has reached none."""
        ...

    @property
    def is_large(self) -> bool:
        """Whether one call may take long: it compares many nodes, links or alerts with each other."""
        ...

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of it: it may be forgotten."""
        ...

    def enqueue(self, seen: Observed, spooled: bool = False, packed: bytes = b"") -> None:
        """Take one observation, to be judged at ``evaluate`` at the latest. Raises BadRecord. ``packed``: the value of
        its record."""
        ...

    def evaluate(self) -> list[Output]:
        """Judge what was enqueued, as far as it can be; of much a part, see ``unfinished``."""
        ...

    def tick(self, now: datetime) -> list[Output]:
        """Let time pass; see ``evaluate``."""
        ...

    def dump(self) -> bytes:
        """The state as bytes."""
        ...


class FoldFactory(Protocol):
    """Makes folds."""

    def new(self, cluster: str, seq_floor: int = 0) -> Fold:
        """A fold without state. ``seq_floor``: its alerts are numbered above this."""
        ...

    def load(self, data: bytes) -> Fold:
        """The fold whose state was dumped."""
        ...


@dataclass(slots=True, eq=False)
class Cluster:
    """A cluster of this worker. Offsets are of the next record, as everywhere in Kafka."""

    key: bytes
    name: str
    fold: Fold
    applied: int
    """Records below are in the fold."""
    saved: int
    """Records below are in the state that Kafka has acknowledged."""
    due: float = 0.0
    """When the state is next saved, on the clock that ``Partition.due`` is given."""
    sent: list[Any] = field(default_factory=list)
    """Acknowledgements awaited of outputs since the state was last saved."""
    is_large: bool = False
    """Whether a call of its fold may take long."""
    used: bool = True
    """Whether a record of it could ever be used; it has a failure if not."""
    seq_floor: int = 0
    """Its alerts are numbered above this where its last saved state is not used."""
    failure: ClusterFailure | None = None
    unreported: tuple[Kind, str] | None = None
    """A failure outside of any record, with its detail, to be reported at the next tick."""
    defects: int = 0
    """Judgements that failed since one did not."""


@dataclass(slots=True)
class Folded:
    """The result of some records."""

    judged: int = 0
    known: int = 0
    """Applied before: read again after a restart."""
    ticks: int = 0
    unplaced: int = 0
    """Vitals of a cluster of which nothing else was read yet: what they stand on is not known."""
    end: int = 0
    """The offset after the last record that is applied."""
    outputs: list[tuple[Cluster, Output]] = field(default_factory=list)
    forgotten: list[Cluster] = field(default_factory=list)
    """Clusters of which nothing is left: their states are to be removed."""
    rejected: list[Rejected] = field(default_factory=list)
    last: Observed | None = None
    used: set[bytes] = field(default_factory=set)
    """The keys of records that could be used."""
    newest: dict[Cluster, Any] = field(default_factory=dict)
    """The newest record of each cluster that has one here."""

    @property
    def read(self) -> int:
        """All records, whatever the result."""
        return self.judged + self.known + self.ticks + self.unplaced + len(self.rejected)
