"""The interface of an audit to the judgement: it has the rules, and the judgement holds their findings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from leadline.model.audit_look import AuditLook
from leadline.model.audit_result import AuditedFinding, NotJudged
from leadline_streams.judge.audit_state import FoundDetails
from leadline_streams.judge.rule import ClusterView


class AuditPart(Struct):
    """The outcome of some of the rules."""

    findings: list[tuple[AuditedFinding, FoundDetails]]
    not_judged: list[NotJudged]
    held: int
    """Rules that held, each counted once for every subject."""
    nodes: list[str]
    """The servers that were read and answer."""


class Auditor(Protocol):
    """Judges a cluster by the rules of an audit, some of them at a time. Pure."""

    @property
    def size(self) -> int:
        """The number of rules."""
        ...

    @property
    def facts_as_of(self) -> str:
        """The day of the facts about versions."""
        ...

    def judge(
        self, cluster: ClusterView, looks: Mapping[str, AuditLook], first: int, count: int, at: datetime
    ) -> AuditPart:
        """Judge a cluster as it is now by ``count`` rules from ``first`` on, as of a time."""
        ...

    def measured_by(self, rule: str) -> str:
        """The rule of the judgement that measures the same at every sample; empty where none does."""
        ...
