"""``primary_restored_older``: a primary was restored to an older state, or lost WAL; a standby holds the rest."""

from collections.abc import Iterator

from leadline.clock import moment
from leadline.model.incident import Step
from leadline.words import hour
from leadline_streams.engines.postgresql.links import is_logical
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.rules.log_went_back import held_words

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
    standbys = [link.downstream for link in ahead if not is_logical(link)]
    names = list(dict.fromkeys(link.downstream for link in ahead))
    return Claim(
        subject=context.about_node(node),
        confidence=0.96 if ahead else 0.9,
        title=f"the WAL of {node.name} went back",
        summary="; ".join([moved, *map(held_words, ahead)])
        + f": {node.name} was restored to an older state, or its storage lost WAL{_not_sent_again(node)}",
        steps=[
            *(Step(risk="look", node=name, sql=SHOW_POSITION) for name in (node.name, *standbys)),
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
            *(_begin_again(link) for link in ahead if is_logical(link)),
            *_compare(node),
        ],
        evidence_for=[
            fact("end", end, node.name, "the end of its WAL"),
            *(fact("position", format_lsn(link.position or 0), link.downstream, "applied") for link in ahead),
            *([fact("timeline", node.node.timeline, node.name, "the same as that of its standby")] if standbys else []),
        ],
    )


def _not_sent_again(node: NodeState) -> str:
    """The changes that a subscription lost with its server's WAL: its publisher retains nothing that was confirmed."""
    names = _subscriptions(node)
    return f"; what {names} had confirmed since then is not sent again" if names else ""


def _compare(node: NodeState) -> list[Step]:
    names = _subscriptions(node)
    text = f"Compare the tables of {names} with those of the publisher, and copy the rows that are missing"
    return [Step(risk="careful", node=node.name, text=text)] if names else []


def _subscriptions(node: NodeState) -> str:
    """The subscriptions of a server whose WAL was seen to go back; empty for none."""
    subscriptions = node.sample.subscriptions if node.sample is not None and node.went_back is not None else ()
    names = ", ".join(each.name for each in subscriptions)
    return f"subscription{'s' if len(subscriptions) > 1 else ''} {names}" if names else ""


def _begin_again(link: LinkState) -> Step:
    """A subscription keeps its position as long as it exists, with a new slot too."""
    text = (
        f"Disable subscription {link.name} on {link.downstream}, compare its tables with those of {link.upstream}, and "
        f"decide which rows are right. Then create it again without a copy (copy_data = false copies nothing): a new "
        f"subscription begins at the present position of {link.upstream}"
    )
    return Step(risk="careful", node=link.downstream, text=text)


CAUSE = CauseRule(
    code="primary_restored_older",
    find=find,
)
