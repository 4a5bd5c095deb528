"""``replica_identity_missing``: a publisher refuses to change rows that a subscriber could not find."""

from collections.abc import Iterator

from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.rules.identity_missing import NAMED

RULES = frozenset({"identity_missing"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A publisher that told such tables."""
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
            "their updates or deletes are published: PostgreSQL refuses them, so that applications get errors",
            fix=f"On {node.name}, database {node.sample.database}: ALTER TABLE {tables[0]} ADD PRIMARY KEY (...); or, "
            f"where no key fits, ALTER TABLE {tables[0]} REPLICA IDENTITY FULL; or publish inserts only: ALTER "
            "PUBLICATION ... SET (publish = 'insert');",
            evidence_for=[fact("table", table, node.name, "changed before, without an identity") for table in tables],
        )


CAUSE = CauseRule(
    code="replica_identity_missing",
    find=find,
)
