"""``wal_burst``: somebody changes much at once on the primary, and everything behind it is late for a while."""

from collections.abc import Iterator

from leadline.view.words import duration, size
from leadline_streams.judge.cause import LATE, Case, CauseRule, Claim
from leadline_streams.judge.rule import fact

NOW_S = 10.0
USUAL_S = 600.0
TIMES = 5.0
LEAST_BYTES_PER_S = 4 * 1024 * 1024
"""A stream of less is nothing that a standby notices."""


def find(case: Case) -> Iterator[Claim]:
    """A primary that writes many times what it usually does, with links that fall behind."""
    for node in case.nodes:
        late = [it for it in case.links if it.link.verdict == "falling_behind" and case.root(it) is node]
        now, usual = node.clock.rate(NOW_S), node.clock.rate(USUAL_S, before_s=NOW_S)
        if not late or now is None or usual is None or now < max(LEAST_BYTES_PER_S, TIMES * usual):
            continue
        # Links that carry more than they ever had to are well: nothing but the burst is new.
        well = all(it.link.kind == "physical" and now - (it.link.growth_bytes or 0.0) > 2 * usual > 0 for it in late)
        activity = node.sample.activity if node.sample is not None else None
        writers = [session for session in activity.oldest if session.wrote] if activity is not None else []
        yield Claim(
            subject=case.about_node(node),
            confidence=0.9 if well else 0.75,
            title=f"{node.name} writes far more log than usual",
            summary=f"{node.name} writes {size(now)} of log a second instead of {size(usual)} in the ten minutes before"
            + "".join(f"; pid {one.pid} writes for {duration(one.age_s)}" for one in writers[:1]),
            fix="Let the bulk change end, or split it into batches that the standbys can follow.",
            evidence_for=[
                fact("wal_bytes_per_s", now, node.name),
                fact("usual_wal_bytes_per_s", usual, node.name),
                *(
                    fact("carried_bytes_per_s", now - (it.link.growth_bytes or 0.0), it.link.downstream)
                    for it in late
                    if well
                ),
                *(
                    fact("transaction", f"pid {one.pid}, {one.age_s:.0f} s old", node.name, one.query)
                    for one in writers[:1]
                ),
            ],
        )


CAUSE = CauseRule(
    code="wal_burst",
    help="the primary writes several times its usual log while links fall behind",
    explains=LATE,
    find=find,
)
