"""``network_slow``: the link carries less than the upstream writes."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import size
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.stages import Stages
from leadline_streams.engines.postgresql.statements import show_senders
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link
from leadline_streams.judge.throughput import plenty, usual

BACKLOG_BYTES = 256 * 1024
"""More than a sender has under way on a quick link."""
BLOCKED = "Client/WalSenderWriteData"
"""The sender waits for room in its socket."""
LONGER = "agents that look for some minutes before; until then a bulk change looks the same"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A connected link whose largest stage is between the upstream's WAL and the downstream's receiver."""
    for affected in streaming(context):
        stages = Stages.of(affected)
        if stages is None or affected.row is None or not affected.link.connected:
            continue
        if stages.transit < BACKLOG_BYTES or stages.transit < max(stages.disk, stages.replay):
            continue
        link = affected.link
        blocked = affected.row.wait == BLOCKED
        root = context.root(affected)
        carried = plenty(context, root, link) if root is not None else None
        compared = root is not None and usual(context, root) is not None
        yield Claim(
            subject=of_link(link),
            # A line that carries more than it usually does has not become slow: the excess is a burst.
            confidence=0.6 if carried is not None else (0.87 if compared else 0.8) if blocked else 0.72,
            title=f"the network from {link.upstream} to {link.downstream} is too slow",
            summary=f"{size(stages.transit)} of WAL wait to be sent from {link.upstream} to {link.downstream}"
            f"{_sender(affected, blocked)}; what arrives is written and replayed at once",
            steps=[
                show_senders(link.upstream),
                Step(
                    risk="look",
                    text=f"Check the path between {link.upstream} and {link.downstream}: bandwidth, loss, other "
                    f"traffic",
                ),
                Step(risk="safe", text="On a narrow line, wal_compression on the primary makes the WAL smaller"),
            ],
            evidence_for=[
                fact("not_carried_bytes", stages.transit, link.upstream),
                fact("written_not_flushed_bytes", stages.disk, link.downstream),
                fact("flushed_not_replayed_bytes", stages.replay, link.downstream),
                fact("sender_wait", affected.row.wait or "none", link.upstream),
                fact("reply_age_s", affected.row.reply_age_s, link.upstream),
            ],
            evidence_against=[fact("carried_bytes_per_s", carried, link.downstream, "more than was usually written")]
            if carried is not None
            else [],
            not_seen=[] if compared else [fact("usual_wal_bytes_per_s", "not seen", link.upstream, LONGER)],
        )


def _sender(affected: AffectedLink, blocked: bool) -> str:
    return ", and its sender waits for the network" if blocked else ""


CAUSE = CauseRule(
    code="network_slow",
    find=find,
)
