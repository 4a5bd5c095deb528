"""``replay_paused_by_operator``: ``pg_wal_replay_pause()`` was called, and replay was not resumed."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql.links import of_standbys
from leadline_streams.engines.postgresql.mismatches import HOT_STANDBY
from leadline_streams.engines.postgresql.statements import show_replay, show_settings
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

TARGETS = (
    "recovery_target",
    "recovery_target_lsn",
    "recovery_target_name",
    "recovery_target_time",
    "recovery_target_xid",
)
"""Settings of which one makes recovery end. The server pauses there by itself, and takes writes when it is resumed."""
PAUSES_TOO = "a recovery target, or a setting that is lower than on the primary, pauses replay too"
SEEN, NOT_SEEN = 0.97, 0.5


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A paused standby whose settings do not explain the pause."""
    for affected in paused(context):
        if any(lower_than_primary(context, affected, name) for name in HOT_STANDBY):
            continue
        if recovery_targets(context, affected):
            continue
        name = affected.link.downstream
        known = affected.down is not None and bool(affected.down.settings)
        assert affected.sample is not None
        assert affected.sample.positions is not None
        yield Claim(
            subject=of_link(affected.link),
            confidence=SEEN if known else NOT_SEEN,
            title=f"replay on {name} was paused by a person" if known else f"replay on {name} is paused",
            summary=f"replay on {name} is paused by pg_wal_replay_pause(); nothing is applied until it is resumed"
            if known
            else f"replay on {name} is paused, by a person or by the server itself; its settings were not seen",
            steps=[
                show_replay(NodeName(name)),
                *(
                    [Step(risk="safe", node=NodeName(name), sql="SELECT pg_wal_replay_resume()")]
                    if known
                    else [show_settings(NodeName(name), *HOT_STANDBY, *TARGETS)]
                ),
            ],
            evidence_for=[
                fact("replay_paused", "true", name),
                fact("startup_wait", affected.wait or "not reported", name),
                fact(
                    "replayed_lsn",
                    affected.sample.positions.replayed_lsn,
                    name,
                    f"unchanged for {duration(context.now - affected.link.moved_at)}",
                ),
            ],
            not_seen=[] if known else [fact("settings", "not seen", name, PAUSES_TOO)],
        )


def paused(context: DiagnosisContext) -> Iterator[AffectedLink]:
    """Affected links whose standby has paused replay."""
    for affected in of_standbys(context):
        positions = affected.sample.positions if affected.sample is not None else None
        if positions is not None and positions.replay_paused:
            yield affected


def recovery_targets(context: DiagnosisContext, affected: AffectedLink) -> list[str]:
    """The settings of a standby that give its recovery a target."""
    return [name for name in TARGETS if context.setting(affected.down, name)]


def may_resume(context: DiagnosisContext, affected: AffectedLink) -> bool:
    """Whether resuming replay harms nothing, as far as the standby's settings were seen."""
    return (
        affected.down is not None
        and bool(affected.down.settings)
        and not recovery_targets(context, affected)
        and not any(lower_than_primary(context, affected, name) for name in HOT_STANDBY)
    )


def lower_than_primary(context: DiagnosisContext, affected: AffectedLink, name: str) -> bool:
    """Whether a hot-standby setting is lower on the downstream than on the primary it descends from."""
    ours, theirs = context.number(affected.down, name), context.number(context.root(affected), name)
    return ours is not None and theirs is not None and ours < theirs


CAUSE = CauseRule(
    code="replay_paused_by_operator",
    find=find,
)
