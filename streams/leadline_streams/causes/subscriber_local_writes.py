"""``subscriber_local_writes``: rows of replicated tables are written on the subscriber itself."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import DUPLICATES, MISSING, ORIGINS, affected_subscriptions, quoted
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"apply_conflict", "apply_error"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Conflicts that only writes beside replication cause. Their effect on apply is another cause, ranked before."""
    for subscriber in affected_subscriptions(context, RULES):
        kinds = subscriber.counted(*DUPLICATES, *MISSING)
        if not kinds:
            continue
        origins = subscriber.counted(*ORIGINS)
        several = len({_act(kind) for kind in (*kinds, *origins)}) > 1
        yield Claim(
            subject=subscriber.about,
            confidence=0.8 if several else 0.6,
            title=f"something writes to replicated tables on {subscriber.node.name}",
            summary=f"rows of {subscriber.name} were changed on {subscriber.node.name} itself "
            f"({', '.join([*kinds, *origins])})",
            steps=[
                subscriber.step(
                    "look",
                    "SELECT grantee, table_schema, table_name, privilege_type FROM "
                    "information_schema.role_table_grants "
                    "WHERE privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') ORDER BY 2, 3, 1",
                ),
                Step(
                    risk="careful",
                    text=f"Find out what writes, then REVOKE INSERT, UPDATE, DELETE, TRUNCATE on the tables of "
                    f"{quoted(subscriber.subscription.name)} from every role but the subscription's owner",
                ),
            ],
            evidence_for=[
                fact(kind, count, subscriber.node.name, "in 5 min") for kind, count in (kinds | origins).items()
            ],
            evidence_against=[] if several else [fact("kinds", 1, note="a copy made twice or by hand looks the same")],
        )


def _act(kind: str) -> str:
    """The local write: a row inserted, deleted or changed."""
    return "inserted" if kind in DUPLICATES else "deleted" if kind in MISSING else "changed"


CAUSE = CauseRule(
    code="subscriber_local_writes",
    find=find,
)
