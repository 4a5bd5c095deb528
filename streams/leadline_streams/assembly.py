"""Composes the judgement: the settings' policy, and every engine, rule and cause that exists."""

from collections.abc import Mapping

from leadline.advisories.loading import shipped
from leadline.model.ids import ClusterName
from leadline.settings.stream import StreamSettings
from leadline_streams.audit.acceptance import Acceptance
from leadline_streams.audit.stream_auditor import StreamAuditor
from leadline_streams.causes import CAUSES
from leadline_streams.engines.postgresql.engine import PostgreSQL
from leadline_streams.judge.auditor import Auditor
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.engine import Engine
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.policy import AuditPolicy, Override, Policy
from leadline_streams.judge.state import Memory
from leadline_streams.judge.tracer import Tracer
from leadline_streams.reported import REPORTED
from leadline_streams.rule_settings import check_rules, given
from leadline_streams.rules import RULES

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (PostgreSQL(),)}
"""Every engine by name."""


def policy_of(settings: StreamSettings) -> Policy:
    """The policy of the settings. Raises SettingsError for a rule that does not exist, or limits in the wrong order."""
    check_rules(settings)
    return Policy(
        lateness_s=settings.judgement.lateness_s,
        clock_tolerance_s=settings.judgement.clock_tolerance_s,
        stale_after_s=settings.judgement.stale_after_s,
        pending_grace_s=settings.judgement.pending_grace_s,
        quiet_s=settings.judgement.quiet_s,
        reopen_s=settings.judgement.reopen_s,
        together_s=settings.judgement.together_s,
        forget_s=settings.judgement.forget_s,
        retire_after_s=settings.judgement.retire_after_s,
        status_every_s=settings.judgement.status_every_s,
        audit=AuditPolicy(
            every_s=settings.audit.every_s,
            spread_s=settings.audit.spread_s,
            notify=None if settings.audit.notify == "never" else settings.audit.notify,
            digest_s=settings.audit.digest_s,
        ),
        rules={name: given(limits) for name, limits in settings.rules.items()},
        overrides=tuple(
            Override(
                cluster=override.match.cluster or "*",
                datacenter=override.match.datacenter or "*",
                node=override.match.node or "*",
                link=override.match.link or "*",
                labels=dict(override.match.labels),
                rules={name: given(limits) for name, limits in override.rules.items()},
            )
            for override in settings.overrides
        ),
    )


def judgement(
    policy: Policy,
    engines: Mapping[str, Engine] = ENGINES,
    auditor: Auditor | None = None,
    tracer: Tracer | None = None,
) -> Judgement:
    """Everything that clusters are judged by, with this policy. A tracer observes it, and changes nothing."""
    return Judgement(policy, engines, RULES, CAUSES, REPORTED, auditor, tracer)


def auditor_of(settings: StreamSettings) -> Auditor:
    """The audit on the stream. Raises UsageError for an acceptance of a rule that does not exist."""
    given = settings.audit.accepted
    accepted = [Acceptance(each.rule, each.subject, each.owner, each.reason, each.last_day) for each in given]
    return StreamAuditor(shipped(), accepted)


class ClusterFactory:
    """Makes the states of clusters that are judged alike."""

    def __init__(self, policy: Policy, auditor: Auditor | None = None, tracer: Tracer | None = None) -> None:
        self._judgement = judgement(policy, auditor=auditor, tracer=tracer)

    def new(self, cluster: str, seq_floor: int = 0) -> ClusterState:
        """A state that remembers nothing, whose alerts are numbered above ``seq_floor``."""
        return self._in_turns(ClusterState(cluster, self._judgement, Memory(ClusterName(cluster), seq_floor=seq_floor)))

    def load(self, data: bytes) -> ClusterState:
        """The state that was dumped."""
        return self._in_turns(ClusterState.load(data, self._judgement))

    @staticmethod
    def _in_turns(state: ClusterState) -> ClusterState:
        state.in_turns = True
        return state
