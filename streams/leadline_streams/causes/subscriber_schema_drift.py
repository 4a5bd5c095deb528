"""``subscriber_schema_drift``: tables differ on the two sides, so that a change cannot be written at all."""

from collections.abc import Iterator

from leadline_streams.judge.apply import DUPLICATES, FAILING, quoted, troubled
from leadline_streams.judge.cause import Case, CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(case: Case) -> Iterator[Claim]:
    """An apply worker that fails again and again without a row conflict."""
    for it in troubled(case, FAILING):
        enabled, counted = it.subscription.enabled, bool(it.subscription.conflicts)
        if not it.fails or it.risen(*DUPLICATES):
            continue
        name = quoted(it.subscription.name)
        against = fact("conflicts", "none" if counted else "not counted", it.node.name, _doubt(counted))
        yield Claim(
            subject=it.about,
            confidence=(0.8 if enabled else 0.7) if counted else 0.4,
            title=f"{it.name} cannot write what it is sent",
            summary=f"{it.name} fails at each attempt ({it.errors} in 5 min) and the error is not a conflict of rows: "
            "most often a table or column that is missing or of another type on the subscriber",
            fix=f"{it.place} read the worker's last ERROR in the server log, then make the table like the publisher's "
            f"(ALTER TABLE ... ADD COLUMN ...); {name} goes on by itself"
            + (f" after ALTER SUBSCRIPTION {name} ENABLE;" if not enabled else "."),
            evidence_for=it.told,
            evidence_against=[against],
        )


def _doubt(counted: bool) -> str:
    if counted:
        return "a constraint, a trigger or a missing right on the subscriber looks the same"
    return "before PostgreSQL 18 a duplicate key looks the same"


CAUSE = CauseRule(
    code="subscriber_schema_drift",
    help="apply fails again and again and no row conflict is counted",
    explains=FAILING,
    find=find,
)
