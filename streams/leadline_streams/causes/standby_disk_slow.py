"""``standby_disk_slow``: the standby receives WAL faster than its disk writes it."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import size
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.stages import Stages
from leadline_streams.engines.postgresql.statements import show_senders
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

BACKLOG_BYTES = 1024 * 1024
"""A receiver flushes once it has drained its socket; on a quick disk less than this waits."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A connected link whose largest stage is between write and flush."""
    for affected in streaming(context):
        stages = Stages.of(affected)
        if stages is None or affected.row is None or not affected.link.connected:
            continue
        if stages.disk < BACKLOG_BYTES or stages.disk < max(stages.transit, stages.replay):
            continue
        name = affected.link.downstream
        yield Claim(
            subject=of_link(affected.link),
            confidence=0.8,
            title=f"the disk of {name} is too slow",
            summary=f"{name} has written {size(stages.disk)} of WAL that are not on its disk yet",
            steps=[
                show_senders(affected.link.upstream),
                Step(
                    risk="look", text=f"Check the disk under pg_wal on {name}: latency, a rebuilding array, other load"
                ),
            ],
            evidence_for=[
                fact("written_not_flushed_bytes", stages.disk, name),
                fact("not_carried_bytes", stages.transit, affected.link.upstream),
                fact("flushed_not_replayed_bytes", stages.replay, name),
                fact("flush_lag_s", affected.row.flush_lag_s, affected.link.upstream),
            ],
        )


CAUSE = CauseRule(
    code="standby_disk_slow",
    find=find,
)
