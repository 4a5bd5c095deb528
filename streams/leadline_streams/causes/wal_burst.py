"""``wal_burst``: somebody changes much at once on the primary, and everything behind it is late for a while."""

from collections.abc import Iterator

from leadline.words import duration, size
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.throughput import plenty, usual, written

TIMES = 5.0
LEAST_BYTES_PER_S = 4 * 1024 * 1024
"""A stream of less is nothing that a standby notices."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A primary that writes many times what it usually does, with links that fall behind."""
    for node in context.nodes:
        late = [it for it in context.links if it.link.verdict == "falling_behind" and context.root(it) is node]
        now, before = written(node), usual(context, node)
        if not late or now is None or before is None or now < max(LEAST_BYTES_PER_S, TIMES * before):
            continue
        # Where all links are as good as they were, nothing but the burst is new.
        carried = {it.link.downstream: plenty(context, node, it.link) for it in late if is_streaming(it.link)}
        well = len(carried) == len(late) and None not in carried.values()
        activity = node.sample.activity if node.sample is not None else None
        writers = [session for session in activity.oldest if session.wrote] if activity is not None else []
        yield Claim(
            subject=context.about_node(node),
            confidence=0.9 if well else 0.75,
            title=f"{node.name} writes far more log than usual",
            summary=f"{node.name} writes {size(now)} of log a second instead of {size(before)} in the ten minutes "
            "before" + "".join(f"; pid {one.pid} writes for {duration(one.age_s)}" for one in writers[:1]),
            fix="Let the bulk change end, or split it into batches that the standbys can follow.",
            evidence_for=[
                fact("wal_bytes_per_s", now, node.name),
                fact("usual_wal_bytes_per_s", before, node.name),
                *(fact("carried_bytes_per_s", rate, name) for name, rate in carried.items() if well),
                *(
                    fact("transaction", f"pid {one.pid}, {one.age_s:.0f} s old", node.name, one.query)
                    for one in writers[:1]
                ),
            ],
        )


CAUSE = CauseRule(
    code="wal_burst",
    find=find,
)
