"""``wal_receiver_stopped``: the standby does not even try to stream."""

from collections.abc import Iterator

from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

CONNINFO = "primary_conninfo"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby without ``primary_conninfo``, or whose paused replay never comes to ask for a new receiver."""
    for it in streaming(context):
        receiver = it.sample.upstream if it.sample is not None else None
        if receiver is None or receiver.status is not None:
            continue
        link = it.link
        if not receiver.configured:
            change, changed = context.blame(it.down, CONNINFO)
            yield Claim(
                subject=of_link(link),
                confidence=0.97,
                title=f"{link.downstream} is not told whom to follow",
                summary=f"{CONNINFO} is empty on {link.downstream}: it runs no WAL receiver{change}",
                fix=f"On {link.downstream}: ALTER SYSTEM SET {CONNINFO} = '...'; SELECT pg_reload_conf();",
                evidence_for=[
                    fact(CONNINFO, "empty", link.downstream),
                    fact("receiver", "none", link.downstream),
                    *changed,
                ],
            )
        elif it.wait == "IPC/RecoveryPause":
            yield Claim(
                subject=of_link(link),
                confidence=0.9,
                title=f"{link.downstream} does not stream while its replay is paused",
                summary=f"the WAL receiver of {link.downstream} ended while replay, which starts it, is paused",
                fix=f"On {link.downstream}: SELECT pg_wal_replay_resume();",
                evidence_for=[
                    fact("receiver", "none", link.downstream),
                    fact("startup_wait", it.wait, link.downstream),
                ],
            )


CAUSE = CauseRule(
    code="wal_receiver_stopped",
    find=find,
)
