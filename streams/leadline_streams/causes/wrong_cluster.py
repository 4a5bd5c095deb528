"""``wrong_cluster``: a standby connects to a server of another cluster."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.statements import reload_settings, show_receiver
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

CONNINFO = "primary_conninfo"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A physical link whose ends have different system identifiers."""
    for affected in streaming(context):
        ours = affected.down.node.system_id if affected.down is not None else None
        theirs = affected.up.node.system_id if affected.up is not None else None
        if ours is None or theirs is None or ours == theirs:
            continue
        link = affected.link
        change, changed = context.blame(affected.down, CONNINFO)
        yield Claim(
            subject=of_link(link),
            confidence=0.98,
            title=f"{link.downstream} follows a server of another cluster",
            summary=f"{link.downstream} connects to {link.upstream}, whose database cluster is another one: "
            f"system identifiers {ours} and {theirs}{change}",
            steps=[
                show_receiver(link.downstream),
                Step(
                    risk="careful",
                    text=f"On {link.downstream}: ALTER SYSTEM SET {CONNINFO} = '...'; with the address of its own "
                    "primary, then reload the settings",
                ),
                reload_settings(link.downstream),
            ],
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
