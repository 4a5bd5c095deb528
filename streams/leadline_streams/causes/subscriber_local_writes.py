"""``subscriber_local_writes``: rows of replicated tables are written on the subscriber itself."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import DUPLICATES, MISSING, ORIGINS, affected_subscriptions, quoted
from leadline_streams.engines.postgresql.divergence import Divergence, divergences, of_subscription
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"apply_conflict", "apply_error"})
GRANTS = (
    "SELECT grantee, table_schema, table_name, privilege_type FROM information_schema.role_table_grants "
    "WHERE privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') ORDER BY table_schema, table_name, grantee"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Conflicts that only local writes cause. Their effect on apply is a cause of its own, ranked higher."""
    for affected in affected_subscriptions(context, RULES):
        kinds, name = affected.counted(*DUPLICATES, *MISSING), affected.node.name
        if not kinds:
            continue
        origins = affected.counted(*ORIGINS)
        several = len({_write(kind) for kind in (*kinds, *origins)}) > 1
        copied = "rows that were copied twice or by hand look the same"
        yield Claim(
            subject=affected.about,
            confidence=0.8 if several else 0.6,
            title=f"something writes to replicated tables on {name}",
            summary=f"rows of {affected.name} were changed on {name} itself ({', '.join([*kinds, *origins])})",
            steps=[
                affected.step("look", GRANTS),
                Step(
                    risk="careful",
                    node=name,
                    database=affected.subscription.database,
                    text="Find out what writes, then REVOKE INSERT, UPDATE, DELETE, TRUNCATE on the tables of "
                    f"{quoted(affected.subscription.in_sql)} from every role but the subscription's owner",
                ),
            ],
            evidence_for=[
                *(fact(kind, count, name, "in 5 min") for kind, count in (kinds | origins).items()),
                *of_subscription(context, name, affected.subscription.name),
            ],
            evidence_against=[] if several else [fact("kinds", 1, note=copied)],
        )
    for found in divergences(context):
        if found.is_logical:
            yield _of_differences(found)


def _of_differences(found: Divergence) -> Claim:
    """That differing rows were written there: seen by rows of another origin, else the likeliest guess."""
    down, subscription = found.downstream, found.subscription
    counted = subscription.conflicts if subscription is not None else {}
    kinds = {kind: counted[kind] for kind in sorted(DUPLICATES | ORIGINS) if counted.get(kind)}
    unexplained = "what wrote it is not recorded; a skipped transaction or a wrong initial copy look the same"
    return Claim(
        subject=found.about,
        confidence=0.6 if kinds else 0.45 if found.extra else 0.35,
        title=f"data of {down} differs from {found.upstream}",
        summary=f"{found.words}: most likely something writes to replicated tables on {down} itself",
        steps=[
            found.compare,
            Step(risk="look", node=found.about.downstream, sql=GRANTS),
            found.repair,
        ],
        evidence_for=[
            *found.evidence,
            *(fact(kind, count, down, "since the counters were reset") for kind, count in kinds.items()),
        ],
        not_seen=[fact("the writer", "not seen", down, unexplained)],
    )


def _write(kind: str) -> str:
    """The local write that leads to a conflict: a row inserted, deleted or changed."""
    return "inserted" if kind in DUPLICATES else "deleted" if kind in MISSING else "changed"


CAUSE = CauseRule(
    code="subscriber_local_writes",
    find=find,
)
