"""``network_slow``: the link carries less than the upstream writes."""

from collections.abc import Iterator

from leadline.words import size
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.stages import Stages
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link
from leadline_streams.judge.throughput import plenty

BACKLOG_BYTES = 256 * 1024
"""More than a sender has under way on a quick link."""
BLOCKED = "Client/WalSenderWriteData"
"""The sender waits for room in its socket."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A connected link whose largest stage is between the upstream's log and the downstream's receiver."""
    for it in streaming(context):
        stages = Stages.of(it)
        if stages is None or it.row is None or not it.link.connected:
            continue
        if stages.transit < BACKLOG_BYTES or stages.transit < max(stages.disk, stages.replay):
            continue
        link = it.link
        blocked = it.row.wait == BLOCKED
        root = context.root(it)
        carried = plenty(context, root, link) if root is not None else None
        yield Claim(
            subject=of_link(link),
            # A line that carries more than it ever had to has not become slow: what it lacks is somebody's burst.
            confidence=0.6 if carried is not None else 0.87 if blocked else 0.72,
            title=f"the network from {link.upstream} to {link.downstream} is too slow",
            summary=f"{size(stages.transit)} of log wait to be carried from {link.upstream} to {link.downstream}"
            f"{_sender(it, blocked)}; what arrives is written and replayed at once",
            fix=f"Look at the path between {link.upstream} and {link.downstream}: bandwidth, loss, other traffic. "
            "On a thin line wal_compression on the primary helps.",
            evidence_for=[
                fact("not_carried_bytes", stages.transit, link.upstream),
                fact("written_not_flushed_bytes", stages.disk, link.downstream),
                fact("flushed_not_replayed_bytes", stages.replay, link.downstream),
                fact("sender_wait", it.row.wait or "none", link.upstream),
                fact("reply_age_s", it.row.reply_age_s, link.upstream),
            ],
            evidence_against=[fact("carried_bytes_per_s", carried, link.downstream, "more than was usually written")]
            if carried is not None
            else [],
        )


def _sender(it: AffectedLink, blocked: bool) -> str:
    return ", and its sender waits for the network" if blocked else ""


CAUSE = CauseRule(
    code="network_slow",
    find=find,
)
