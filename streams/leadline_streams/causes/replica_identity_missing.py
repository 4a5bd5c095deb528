"""``replica_identity_missing``: a publisher refuses updates and deletes of tables because of their replica identity."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.model.tables import RefusedTable
from leadline_streams.engines.postgresql.apply import quoted
from leadline_streams.engines.postgresql.refusals import FULL, refused, words_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.rules.identity_missing import NAMED

TITLES = {
    "no_identity": "has no replica identity",
    "row_filter": "has a row filter outside of its replica identity",
    "column_list": "is published without its replica identity",
    "generated_column": "has a generated column in its replica identity",
}
"""By reason, after the table's name."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A publisher that has such tables; the first one's reason comes first, with the others that share it."""
    for node in context.nodes:
        tables = refused(node)
        if not tables or node.sample is None:
            continue
        first = tables[0]
        alike = [table for table in tables if table.reason == first.reason][:NAMED]
        names = ", ".join(table.name for table in alike)
        changes = " and ".join((["updates"] if first.updates else []) + (["deletes"] if first.deletes else []))
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"{first.name} on {node.name} {TITLES[first.reason]}",
            summary=f"PostgreSQL refuses {changes} of {names} on {node.name} ({len(tables)} in all), and applications "
            f"get errors: {words_of(first)}",
            steps=_steps(node, alike, node.sample.database),
            evidence_for=[
                fact("table", table.name, node.name, f"{words_of(table)}{'' if table.changed else '; not changed yet'}")
                for table in tables
            ],
        )


def _steps(node: NodeState, tables: list[RefusedTable], database: str | None) -> list[Step]:
    """A statement that looks at the definition, and the change that fits the reason."""
    first = tables[0]

    def step(sql: str) -> Step:
        return Step(risk="careful", node=node.name, database=database, sql=sql)

    def text(words: str) -> Step:
        return Step(risk="careful", node=node.name, database=database, text=words)

    look = Step(risk="look", node=node.name, database=database, sql=_look(tables))
    if first.reason == "no_identity":
        key = f"Give each of these tables a primary key (ALTER TABLE {first.name} ADD PRIMARY KEY ...), or publish "
        inserts = "inserts only (ALTER PUBLICATION ... SET (publish = 'insert')); where no key fits"
        return [look, text(key + inserts), *(step(f"ALTER TABLE {t.name} REPLICA IDENTITY FULL") for t in tables)]
    publication = quoted(first.publication)
    if first.reason == "row_filter":
        return [
            look,
            text(
                "Use only columns of the replica identity in the row filter; where that does not do, and no column "
                "list is set"
            ),
            *(step(f"ALTER TABLE {table.name} REPLICA IDENTITY FULL") for table in tables),
        ]
    if first.reason == "column_list":
        all_of_them = "publish the whole table" if first.identity == FULL else "add them to the column list"
        return [
            look,
            text(
                f"Let publication {publication} {all_of_them}: ALTER PUBLICATION {publication} SET TABLE ..., which "
                "replaces its whole list of tables"
            ),
        ]
    return [
        look,
        text(
            f"Where {first.name} has a primary key, use that: ALTER TABLE {first.name} REPLICA IDENTITY DEFAULT. Or "
            f"publish the column, which the subscriber must not generate itself then: ALTER PUBLICATION {publication} "
            "SET (publish_generated_columns = stored)"
        ),
    ]


def _look(tables: list[RefusedTable]) -> str:
    """The unique indexes that could be an identity, or what the publications say of the tables."""
    if tables[0].reason in ("no_identity", "generated_column"):
        names = ", ".join(f"to_regclass({literal(table.name)})" for table in tables)
        return (
            "SELECT indrelid::regclass, pg_get_indexdef(indexrelid), indisprimary, indisreplident FROM pg_index "
            f"WHERE indisunique AND indrelid = ANY (ARRAY[{names}])"
        )
    return f"SELECT * FROM pg_publication_tables WHERE pubname = {literal(tables[0].publication)}"


CAUSE = CauseRule(
    code="replica_identity_missing",
    find=find,
)
