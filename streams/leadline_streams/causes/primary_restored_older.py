"""``primary_restored_older``: a primary was restored to an older state, or lost WAL; a standby holds the rest."""

from collections.abc import Iterator

from leadline.clock import moment
from leadline.model.incident import Step
from leadline.words import hour, size
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import LinkState, NodeState

POSITION = """
    SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
    ELSE pg_current_wal_flush_lsn() END
"""
SHOW_POSITION = " ".join(POSITION.split())


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A primary whose WAL was seen to go back, or that has less than a downstream of the same timeline."""
    for node in context.nodes:
        ahead = [link for link in context.cluster.below(node.name) if link.lead_units]
        if node.answers and (ahead or node.went_back is not None):
            yield _claim(context, node, ahead)


def _claim(context: DiagnosisContext, node: NodeState, ahead: list[LinkState]) -> Claim:
    went, end = node.went_back, format_lsn(node.clock.end or 0)
    if went is not None:
        at = hour(moment(went.at))
        moved = (
            f"the WAL of {node.name} went back from {format_lsn(went.before)} to {format_lsn(went.after)} at {at} UTC"
        )
    else:
        moved = f"the WAL of {node.name} ends at {end}, before {format_lsn(ahead[0].position or 0)}"
    held = [f"{link.downstream} holds {size(link.lead_units)} that {node.name} lost" for link in ahead]
    names = [link.downstream for link in ahead]
    return Claim(
        subject=context.about_node(node),
        confidence=0.96 if ahead else 0.9,
        title=f"the WAL of {node.name} went back",
        summary="; ".join([moved, *held]) + f": {node.name} was restored to an older state, or its storage lost WAL",
        steps=[
            *(Step(risk="look", node=name, sql=SHOW_POSITION) for name in (node.name, *names)),
            Step(
                risk="look",
                text=f"Find out whether {node.name} was restored on purpose, and from which backup. Until that is "
                f"known, write nothing to it and rebuild nothing: {' and '.join(names) or 'a standby'} may hold the "
                "only copy",
            ),
            Step(
                risk="careful",
                text="Keep the server that has the data as it is, until its rows are on the primary too or it is the "
                "primary",
            ),
        ],
        evidence_for=[
            fact("end", end, node.name, "the end of its WAL"),
            *(fact("position", format_lsn(link.position or 0), link.downstream, "applied") for link in ahead),
            fact("timeline", node.node.timeline, node.name, "the same as that of its downstream"),
        ],
    )


CAUSE = CauseRule(
    code="primary_restored_older",
    find=find,
)
