"""``wrong_cluster``: a standby connects to a server of another cluster."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.statements import reload_settings, show_receiver
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
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
        majors = [_major(affected.down), _major(affected.up)]
        if None not in majors and majors[0] != majors[1]:
            yield _upgraded(affected, *majors)
            continue
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


def _upgraded(affected: AffectedLink, ours: str | None, theirs: str | None) -> Claim:
    """The two ends are of different major versions: no setting of the standby lets it follow."""
    link = affected.link
    return Claim(
        subject=of_link(link),
        confidence=0.98,
        title=f"{link.downstream} cannot follow a server of another version",
        summary=f"{link.downstream} is of PostgreSQL {ours} and follows {link.upstream}, which is of {theirs}: "
        "pg_upgrade, like initdb, makes another database cluster, and a standby follows one of its own only",
        steps=[
            show_receiver(link.downstream),
            Step(
                risk="look",
                text=f"Find out which of the two was meant. If {link.upstream} was upgraded, {link.downstream} has the "
                "state from before: leave it as it is until nobody can want to go back",
            ),
            Step(
                risk="careful",
                text=f"Make a new standby of {link.upstream} with pg_basebackup of version {theirs}, in another data "
                f"directory than that of {link.downstream}",
            ),
        ],
        evidence_for=[fact("version", ours, link.downstream), fact("version", theirs, link.upstream)],
    )


def _major(node: NodeState | None) -> str | None:
    version = node.node.version if node is not None else None
    return version.partition(".")[0] if version else None


CAUSE = CauseRule(
    code="wrong_cluster",
    find=find,
)
