"""``wal_burst``: a bulk change on the primary makes everything that follows it late for a while."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration, size
from leadline_streams.causes.network_slow import LONGER
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.engines.postgresql.statements import show_session
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.throughput import plenty, usual, written

TIMES = 5.0
LEAST_BYTES_PER_S = 4 * 1024 * 1024
"""A smaller stream does not make a standby late."""
UNCOMPARED = 0.45
"""Confidence of a guess: nobody looked before."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A primary that writes many times what it usually does, with links that fall behind."""
    behind: dict[str, list[AffectedLink]] = {}
    for affected in context.links:
        root = context.root(affected) if affected.link.verdict == "falling_behind" else None
        if root is not None:
            behind.setdefault(root.name, []).append(affected)
    for node in context.nodes:
        late = behind.get(node.name, [])
        now, before = written(node), usual(context, node)
        if not late or now is None or now < max(LEAST_BYTES_PER_S, TIMES * (before or 0.0)):
            continue
        # Where all links are as good as they were, nothing but the burst is new.
        carried = {
            affected.link.downstream: plenty(context, node, affected.link)
            for affected in late
            if is_streaming(affected.link)
        }
        unchanged = len(carried) == len(late) and None not in carried.values()
        activity = node.sample.activity if node.sample is not None else None
        writers = [session for session in activity.oldest if session.wrote] if activity is not None else []
        yield Claim(
            subject=context.about_node(node),
            confidence=UNCOMPARED if before is None else 0.9 if unchanged else 0.75,
            title=f"{node.name} writes {'far more WAL than usual' if before is not None else 'much WAL'}",
            summary=f"{node.name} writes {size(now)} of WAL a second{_compared(before)}"
            + "".join(f"; pid {session.pid} writes for {duration(session.age_s)}" for session in writers[:1]),
            steps=[
                *(show_session(node.name, session.pid) for session in writers[:1]),
                Step(
                    risk="look",
                    text="Let the bulk change end; divide the next one into batches that the standbys can follow",
                ),
            ],
            evidence_for=[
                fact("wal_bytes_per_s", now, node.name),
                *([fact("usual_wal_bytes_per_s", before, node.name)] if before is not None else []),
                *(fact("carried_bytes_per_s", rate, name) for name, rate in carried.items() if unchanged),
                *(
                    fact("transaction", f"pid {session.pid}, {duration(session.age_s)} old", node.name, session.query)
                    for session in writers[:1]
                ),
            ],
            not_seen=[fact("usual_wal_bytes_per_s", "not seen", node.name, LONGER)] if before is None else [],
        )


def _compared(before: float | None) -> str:
    """The rate before, where somebody looked then."""
    if before is None:
        return "; whether that is more than usual was not seen, as looking began not long ago"
    return f" instead of {size(before)} in the ten minutes before"


CAUSE = CauseRule(
    code="wal_burst",
    find=find,
)
