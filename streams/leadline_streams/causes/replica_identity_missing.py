"""``replica_identity_missing``: a publisher refuses updates and deletes of tables without a replica identity."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
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
            steps=[
                Step(
                    risk="careful",
                    text=f"Give each of these tables a primary key: on {node.name}, database "
                    f"{node.sample.database}, ALTER "
                    f"TABLE {tables[0]} ADD PRIMARY KEY (...); or publish inserts only: ALTER PUBLICATION ... SET "
                    f"(publish "
                    "= 'insert'); where no key fits",
                ),
                *(
                    Step(
                        risk="careful",
                        node=node.name,
                        database=node.sample.database,
                        sql=f"ALTER TABLE {table} REPLICA IDENTITY FULL",
                    )
                    for table in tables[:NAMED]
                ),
            ],
            evidence_for=[fact("table", table, node.name, "changed before, without an identity") for table in tables],
        )


CAUSE = CauseRule(
    code="replica_identity_missing",
    find=find,
)
