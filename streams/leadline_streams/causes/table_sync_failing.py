"""``table_sync_failing``: the initial copy of a table fails again and again."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"table_sync_stuck"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription whose copies fail; the other tables are still streamed."""
    for subscriber in affected_subscriptions(context, RULES):
        window = subscriber.node.windows.get(f"sync_error:{subscriber.subscription.name}")
        if window is None or not window.recurs(context.now):
            continue
        tables = subscriber.subscription.unsynced
        which = ", ".join(tables) or "a table"
        yield Claim(
            subject=subscriber.about,
            confidence=0.96 if tables else 0.9,
            title=f"the initial copy of {which} to {subscriber.node.name} fails",
            summary=f"{subscriber.name} cannot copy {which}: {window.count(context.now)} attempts failed in 5 min; "
            f"the other "
            "tables are replicated, this one has no data that can be relied on",
            steps=[
                Step(
                    risk="look",
                    text=f"Read the last ERROR of the tablesync worker in the server log of {subscriber.node.name}",
                ),
                Step(
                    risk="look",
                    text="If the table or a column is missing, create it. If the table already has rows that nobody "
                    "needs, "
                    "empty it; the copy starts again by itself",
                ),
                *(subscriber.step("destructive", f"TRUNCATE {table}") for table in tables[:1]),
            ],
            evidence_for=[
                fact("sync_errors", subscriber.subscription.sync_errors, subscriber.node.name),
                fact(
                    "tables",
                    _states(subscriber.subscription.tables),
                    subscriber.node.name,
                    "i, d, f, s: not ready; r: ready",
                ),
            ],
        )


def _states(tables: dict[str, int]) -> str:
    return ", ".join(f"{count} in {state}" for state, count in sorted(tables.items())) or "not seen from this database"


CAUSE = CauseRule(
    code="table_sync_failing",
    find=find,
)
