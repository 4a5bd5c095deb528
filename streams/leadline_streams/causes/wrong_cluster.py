"""``wrong_cluster``: a standby is pointed at a server of another cluster."""

from collections.abc import Iterator

from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

CONNINFO = "primary_conninfo"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A physical link whose ends have different system identifiers."""
    for it in streaming(context):
        ours = it.down.node.system_id if it.down is not None else None
        theirs = it.up.node.system_id if it.up is not None else None
        if ours is None or theirs is None or ours == theirs:
            continue
        link = it.link
        change, changed = context.blame(it.down, CONNINFO)
        yield Claim(
            subject=of_link(link),
            confidence=0.98,
            title=f"{link.downstream} follows a server of another cluster",
            summary=f"{link.downstream} is pointed at {link.upstream}, whose database cluster is another one: "
            f"system identifiers {ours} and {theirs}{change}",
            fix=f"On {link.downstream}: ALTER SYSTEM SET {CONNINFO} = '...'; SELECT pg_reload_conf(); "
            "with the address of its own primary.",
            evidence_for=[
                fact("system_id", ours, link.downstream),
                fact("system_id", theirs, link.upstream),
                *changed,
            ],
        )


CAUSE = CauseRule(
    code="wrong_cluster",
    find=find,
)
