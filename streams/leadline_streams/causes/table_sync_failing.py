"""``table_sync_failing``: the initial copy of a table fails again and again."""

from collections.abc import Iterator

from leadline_streams.engines.postgresql.apply import troubled
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"table_sync_stuck"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription whose copies fail; streaming of the other tables goes on."""
    for it in troubled(context, RULES):
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
            "tables go on, this one has no data that can be relied on",
            fix=f"{it.place} read the tablesync worker's ERROR in the server log. If rows are already there: TRUNCATE "
            f"{tables[0] if tables else '<table>'}; the copy starts anew by itself. If the table or a column is "
            "missing: create it.",
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
