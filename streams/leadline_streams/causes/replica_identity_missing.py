"""``replica_identity_missing``: a publisher refuses updates and deletes of tables without a replica identity."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState
from leadline_streams.rules.identity_missing import NAMED

RULES = frozenset({"identity_missing"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A publisher that has such tables."""
    for node in context.nodes:
        tables = node.without_identity
        if not tables or node.sample is None:
            continue
        names = ", ".join(tables[:NAMED])
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"{tables[0]} on {node.name} has no replica identity",
            summary=f"{names} on {node.name} ({len(tables)} in all) have no primary key or other replica identity, and "
            "their updates or deletes are published: PostgreSQL refuses them, and applications get errors",
            steps=_steps(node, tables[:NAMED], node.sample.database),
            evidence_for=[
                fact("table", table, node.name, "has been updated or deleted from, no identity") for table in tables
            ],
        )


def _steps(node: NodeState, tables: tuple[str, ...], database: str | None) -> list[Step]:
    """A key where one fits; the whole row as the identity is the stopgap that always works."""
    names = ", ".join(f"to_regclass({literal(table)})" for table in tables)
    unique = (
        "SELECT indrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index "
        f"WHERE indisunique AND indrelid = ANY (ARRAY[{names}])"
    )
    return [
        Step(risk="look", node=node.name, database=database, sql=unique),
        Step(
            risk="careful",
            node=node.name,
            database=database,
            text=f"Give each of these tables a primary key (ALTER TABLE {tables[0]} ADD PRIMARY KEY ...), or publish "
            "inserts only (ALTER PUBLICATION ... SET (publish = 'insert')); where no key fits",
        ),
        *(
            Step(risk="careful", node=node.name, database=database, sql=f"ALTER TABLE {table} REPLICA IDENTITY FULL")
            for table in tables
        ),
    ]


CAUSE = CauseRule(
    code="replica_identity_missing",
    find=find,
)
