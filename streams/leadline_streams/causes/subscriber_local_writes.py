"""``subscriber_local_writes``: rows of replicated tables are written on the subscriber itself."""

from collections.abc import Iterator

from leadline_streams.engines.postgresql.apply import DUPLICATES, MISSING, ORIGINS, quoted, troubled
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"apply_conflict", "apply_error"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Conflicts that only writes beside replication make. What they did to apply is another cause, ranked before."""
    for it in troubled(context, RULES):
        kinds = it.counted(*DUPLICATES, *MISSING)
        if not kinds:
            continue
        origins = it.counted(*ORIGINS)
        several = len({_act(kind) for kind in (*kinds, *origins)}) > 1
        yield Claim(
            subject=it.about,
            confidence=0.8 if several else 0.6,
            title=f"somebody writes to replicated tables on {it.node.name}",
            summary=f"rows of {it.name} were changed on {it.node.name} itself ({', '.join([*kinds, *origins])})",
            fix=f"On {it.node.name}: find who writes and REVOKE INSERT, UPDATE, DELETE, TRUNCATE on the tables of "
            f"{quoted(it.subscription.name)} from everybody but the subscription's owner.",
            evidence_for=[fact(k, count, it.node.name, "in 5 min") for k, count in (kinds | origins).items()],
            evidence_against=[] if several else [fact("kinds", 1, note="a copy made twice or by hand looks the same")],
        )


def _act(kind: str) -> str:
    """What was done locally: a row put in, taken away, or changed."""
    return "in" if kind in DUPLICATES else "out" if kind in MISSING else "changed"


CAUSE = CauseRule(
    code="subscriber_local_writes",
    find=find,
)
