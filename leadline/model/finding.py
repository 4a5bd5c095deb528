"""Findings that no sample shows: statements of an auditor or a verifier about one subject each."""

from typing import Annotated, Final

from msgspec import Meta

from leadline.model import Count, Seconds, Time, Value
from leadline.model.alert import Evidence, Subject
from leadline.model.audit_look import AuditLook
from leadline.model.ids import ClusterName, NodeName
from leadline.model.observation import NodeSettings, Sample, Tick
from leadline.model.pg_vitals import PostgresqlVitals
from leadline.model.retirement import Retirement
from leadline.model.verification import TableDifference

MOST_FINDINGS: Final = 200
"""So many findings are in a report."""
MOST_DIFFERING: Final = 20
"""So many tables are named in a finding."""


class Finding(Value, frozen=True, kw_only=True):
    """One rule's statement about one subject. ``value`` is compared with the rule's limits as a measurement is."""

    rule: str
    subject: Subject
    value: float
    summary: str
    evidence: list[Evidence] = []
    node: NodeName | None = None
    """The node whose datacenter and labels count for it; None where it is about none of them."""
    grows: bool = False
    """Whether the value is an age in seconds. It then goes on growing by itself, also while its source is silent."""
    differs: Annotated[list[TableDifference], Meta(max_length=MOST_DIFFERING)] = []
    """The tables whose rows differ, where it is about that."""


class FindingReport(Value, frozen=True, kw_only=True, tag="findings", tag_field="kind"):
    """All findings of one source about one cluster: a finding that an earlier report had and this one lacks is over."""

    cluster: ClusterName
    source: Annotated[str, Meta(min_length=1, max_length=255)]
    """The program and what it looked at, such as ``audit`` or ``verify pg-1->pg-2``."""
    boot: str
    """Names one run of the source; ``seq`` counts within it."""
    seq: Count
    sent_at: Time
    """The source's clock."""
    valid_s: Annotated[Seconds, Meta(gt=0)]
    """Without another report for this long, its findings are unknown."""
    findings: Annotated[list[Finding], Meta(max_length=MOST_FINDINGS)]


EngineVitals = PostgresqlVitals
"""The vitals of every engine that has them."""
Described = Sample | NodeSettings | Tick | FindingReport | Retirement | AuditLook
"""Anything on the samples topic whose fields have names."""
Observation = Described | EngineVitals
"""Anything on the samples topic."""
