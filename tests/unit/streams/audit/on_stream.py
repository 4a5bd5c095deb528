"""Recorded servers on the stream: samples each second, looks when they are sent, ticks, and what is published."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from leadline.model.alert import Transition
from leadline.model.audit_result import AuditResult
from leadline.model.incident import Incident
from leadline.wire import OBSERVATIONS, encode
from leadline_streams.assembly import judgement
from leadline_streams.audit.acceptance import Acceptance
from leadline_streams.audit.stream_auditor import StreamAuditor
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import AuditPolicy, Policy
from tests.unit.streams.audit.draft import FACTS, Draft

AT_ONCE = AuditPolicy(spread_s=0.0, digest_s=0.0)


class OnStream:
    """The servers of a draft, watched from its looks on."""

    retire_after_s = 259_200.0

    def __init__(
        self, draft: Draft, policy: AuditPolicy = AT_ONCE, acceptances: Sequence[Acceptance] = (), **rules: Any
    ) -> None:
        self.draft = draft
        self.judgement = judgement(
            Policy(audit=policy, rules=rules, retire_after_s=self.retire_after_s),
            auditor=StreamAuditor(FACTS, acceptances),
        )
        self.cluster = draft.found.samples[0].node.cluster
        self.state = ClusterState(self.cluster, self.judgement)
        self.at: datetime = draft.found.samples[0].sent_at
        self.outputs: list[Any] = []
        self.silent: set[str] = set()
        self.seq = 0

    def send_looks(self, *nodes: str) -> None:
        """Agents send looks, of all nodes when none is named."""
        for look in self.draft.found.looks:
            if not nodes or look.node in nodes:
                sent = replace(look, at=self.at, asked_at=self.at)
                self.outputs += self.state.observe(OBSERVATIONS.decode(encode(sent)))

    def live(self, seconds: int = 10, step_s: float = 1.0) -> None:
        """Time passes, with a sample of each server at each step."""
        for _ in range(seconds):
            self.at += timedelta(seconds=step_s)
            if step_s > 1.0:
                self.outputs += self.state.tick(self.at)
            for number, sample in enumerate(self.draft.found.samples):
                if sample.node.name in self.silent:
                    continue
                self.seq += 1
                moment = self.at + timedelta(milliseconds=number)
                self.outputs += self.state.observe(
                    replace(sample, seq=self.seq, sent_at=moment, at=moment, interval_s=step_s)
                )
            self.outputs += self.state.tick(self.at + timedelta(milliseconds=500))

    def restart(self) -> None:
        """Another worker takes over, from what was saved."""
        self.state = ClusterState.load(self.state.dump(), self.judgement)

    def put(self, node: str, **settings: str) -> None:
        """Settings of a server are changed, and its agent sends a look."""
        self.draft.put(node, **settings)
        self.send_looks(node)

    @property
    def results(self) -> list[AuditResult]:
        """The results so far."""
        return [each for each in self.outputs if isinstance(each, AuditResult)]

    @property
    def notices(self) -> list[Incident]:
        """The notices and digests so far."""
        return [each for each in self.outputs if isinstance(each, Incident) and each.class_ != "page"]

    def outputs_of_audit(self) -> list[bytes]:
        """Everything that the audit published, as it is on the wire."""
        return [
            encode(each)
            for each in self.outputs
            if isinstance(each, AuditResult | Incident)
            or (isinstance(each, Transition) and each.rule in ("audit_finding", "audit_advice"))
        ]

    def steps(self, rule: str) -> list[tuple[str, str]]:
        """The transitions of the alert about a rule of the audit."""
        return [
            (each.to, each.reason)
            for each in self.outputs
            if isinstance(each, Transition) and each.subject.name == rule
        ]
