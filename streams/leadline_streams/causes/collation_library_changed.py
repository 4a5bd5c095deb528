"""``collation_library_changed``: an upgrade of the operating system, or another image, sorts text in another order."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.model.tables import DatabaseState
from leadline_streams.engines.postgresql.databases import named, sorted_otherwise
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

VERSIONS = (
    "SELECT datname, datcollate, datcollversion, pg_database_collation_actual_version(oid) FROM pg_database "
    "WHERE datcollversion <> pg_database_collation_actual_version(oid)"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server with databases whose recorded version is not that of its library."""
    for node in context.nodes:
        found = sorted_otherwise(node) if node.answers and node.same_as is None else []
        if not found:
            continue
        first, primary = found[0], _primary(context, node)
        alone = primary is not None and not _has_too(primary, first)
        where = f"here and not on {primary.name}" if alone and primary is not None else "on this server"
        names = ", ".join(named(each) for each in found[:3])
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"text is sorted otherwise on {node.name}",
            summary=f"{names}: indexes were built with version {first.collation_recorded} of the library that sorts "
            f"text, and it is {first.collation_actual} {where}. Where the order differs, queries by an index on text "
            "miss rows, and unique indexes let duplicates in",
            steps=_steps(node, primary if alone else None),
            evidence_for=[
                fact("collation_version", each.collation_actual, node.name, f"{named(each)}: {each.collation_recorded}")
                for each in found
            ],
        )


def _primary(context: DiagnosisContext, node: NodeState) -> NodeState | None:
    """The server from which a standby has its indexes; None for a server that takes writes, or where it is not seen."""
    if node.takes_writes:
        return None
    return next((each for each in context.nodes if each.writable and each.lineage == node.lineage), None)


def _has_too(primary: NodeState, database: DatabaseState) -> bool:
    return database.name in {each.name for each in sorted_otherwise(primary)}


def _steps(node: NodeState, primary: NodeState | None) -> list[Step]:
    look = Step(risk="look", node=node.name, sql=VERSIONS)
    check = Step(
        risk="look",
        node=node.name,
        text="Check the indexes on text by bt_index_check(index, true) of the extension amcheck, which runs on "
        "standbys too",
    )
    if primary is not None:
        text = (
            f"Give {node.name} the version of the library that {primary.name} has: the same release of the operating "
            f"system or image. Until then keep {node.name} out of a failover, and read no text by an index there"
        )
        return [look, check, Step(risk="careful", node=node.name, text=text)]
    text = (
        "First REINDEX every index on text in each of these databases, on the primary, and remove duplicates that it "
        "finds; only then ALTER DATABASE … REFRESH COLLATION VERSION, which repairs nothing and silences the server. "
        "Standbys need the same library, or their indexes are wrong then"
    )
    return [look, check, Step(risk="careful", node=node.name, text=text)]


CAUSE = CauseRule(
    code="collation_library_changed",
    find=find,
)
