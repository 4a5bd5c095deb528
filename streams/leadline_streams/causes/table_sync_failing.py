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
    for it in affected_subscriptions(context, RULES):
        window = it.node.windows.get(f"sync_error:{it.subscription.name}")
        if window is None or not window.recurs(context.now):
            continue
        tables = it.subscription.unsynced
        which = ", ".join(tables) or "a table"
        yield Claim(
            subject=it.about,
            confidence=0.96 if tables else 0.9,
            title=f"the initial copy of {which} to {it.node.name} fails",
            summary=f"{it.name} cannot copy {which}: {window.count(context.now)} attempts failed in 5 min; the other "
            "tables are replicated, this one has no data that can be relied on",
            steps=[
                Step(
                    risk="look", text=f"Read the last ERROR of the tablesync worker in the server log of {it.node.name}"
                ),
                Step(
                    risk="look",
                    text="If the table or a column is missing, create it. If the table already has rows that nobody "
                    "needs, "
                    "empty it; the copy starts again by itself",
                ),
                *(it.step("destructive", f"TRUNCATE {table}") for table in tables[:1]),
            ],
            evidence_for=[
                fact("sync_errors", it.subscription.sync_errors, it.node.name),
                fact("tables", _states(it.subscription.tables), it.node.name, "i, d, f, s: not ready; r: ready"),
            ],
        )


def _states(tables: dict[str, int]) -> str:
    return ", ".join(f"{count} in {state}" for state, count in sorted(tables.items())) or "not seen from this database"


CAUSE = CauseRule(
    code="table_sync_failing",
    find=find,
)
