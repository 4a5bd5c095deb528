"""``page_damaged``: storage gave back other pages than were written."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration, times
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.databases import damaged, failed_s, named
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

COUNTERS = (
    "SELECT datname, checksum_failures, checksum_last_failure FROM pg_stat_database WHERE checksum_failures > 0 "
    "ORDER BY checksum_last_failure DESC"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that lately read pages whose checksum was wrong."""
    for node in context.nodes:
        found = damaged(node, context.now) if node.answers and node.same_as is None else []
        if not found:
            continue
        where = " and ".join(named(each) for each in found[:3])
        count = sum(each.checksum_failures for each in found)
        last_s = min(failed_s(node, each, context.now) or 0.0 for each in found)
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"pages on {node.name} are damaged",
            summary=f"{node.name} read pages of {where} whose checksum was wrong, {times(count)} since its statistics "
            f"began, last {duration(last_s)} ago: its storage or memory changed them. Statements that need such a page "
            "fail. Checksums are of each server alone: the page may be whole on the others",
            steps=_steps(context, node),
            evidence_for=[fact("checksum_failures", each.checksum_failures, node.name, named(each)) for each in found],
        )


def _steps(context: DiagnosisContext, node: NodeState) -> list[Step]:
    others = [each.name for each in context.nodes if each.lineage == node.lineage and each.name != node.name]
    elsewhere = f" on {' and '.join(sorted(others))}" if others else " on a standby, or in a backup"
    return [
        Step(risk="look", node=node.name, sql=COUNTERS),
        server_log.read_it(node, "invalid page in block … of relation … names the file and the page"),
        Step(
            risk="look",
            text=f"Read the same rows{elsewhere}, and look at the messages of the kernel and of the storage of "
            f"{node.name}",
        ),
        Step(
            risk="careful",
            node=node.name,
            text="Keep a copy of the damaged file and of the backups from before. An index is built again by REINDEX; "
            "rows of a table come from a server or a backup in which they are whole. Leave "
            "zero_damaged_pages and ignore_checksum_failure off: they throw rows away",
        ),
    ]


CAUSE = CauseRule(
    code="page_damaged",
    find=find,
)
