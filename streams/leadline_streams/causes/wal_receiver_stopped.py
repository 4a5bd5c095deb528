"""``wal_receiver_stopped``: the standby does not try to stream."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.causes.replay_paused_by_operator import may_resume
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.statements import reload_settings, show_receiver, show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

CONNINFO = "primary_conninfo"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby without ``primary_conninfo``, or whose replay is paused and does not request a receiver."""
    for affected in streaming(context):
        receiver = affected.sample.upstream if affected.sample is not None else None
        if receiver is None or receiver.status is not None:
            continue
        link = affected.link
        if not receiver.configured:
            change, changed = context.blame(affected.down, CONNINFO)
            yield Claim(
                subject=of_link(link),
                confidence=0.97,
                title=f"{link.downstream} has no upstream configured",
                summary=f"{CONNINFO} is empty on {link.downstream}: it runs no WAL receiver{change}",
                steps=[
                    show_settings(link.downstream, "primary_slot_name", "recovery_target_timeline"),
                    Step(
                        risk="careful",
                        text=f"On {link.downstream}: ALTER SYSTEM SET {CONNINFO} = '...'; with the address and role "
                        "of its upstream, then reload the settings",
                    ),
                    reload_settings(link.downstream),
                ],
                evidence_for=[
                    fact(CONNINFO, "empty", link.downstream),
                    fact("receiver", "none", link.downstream),
                    *changed,
                ],
            )
        elif affected.wait == "IPC/RecoveryPause":
            yield Claim(
                subject=of_link(link),
                confidence=0.9,
                title=f"{link.downstream} does not stream while its replay is paused",
                summary=f"the WAL receiver of {link.downstream} ended while replay, which starts it, is paused",
                steps=[
                    show_receiver(link.downstream),
                    *(
                        [Step(risk="safe", node=link.downstream, sql="SELECT pg_wal_replay_resume()")]
                        if may_resume(context, affected)
                        else []
                    ),
                ],
                evidence_for=[
                    fact("receiver", "none", link.downstream),
                    fact("startup_wait", affected.wait, link.downstream),
                ],
            )


CAUSE = CauseRule(
    code="wal_receiver_stopped",
    find=find,
)
