"""``standbys_follow_each_other``: a circle of standbys, or one that follows itself; none of them follows a primary."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.statements import reload_settings, show_receiver
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_cluster
from leadline_streams.rules.upstream_circle import in_words

CONNINFO = "primary_conninfo"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Every circle once."""
    found: set[frozenset[str]] = set()
    for affected in streaming(context):
        link, standbys = affected.link, frozenset(affected.link.circle)
        if not standbys or standbys in found:
            continue
        found.add(standbys)
        alone = len(link.circle) == 1
        primaries = [node.name for node in context.nodes if node.writable and node.name not in link.circle]
        primary = f"{primaries[0]}, which takes writes" if len(primaries) == 1 else "the server that takes writes"
        changes = [context.blame(context.cluster.nodes.get(name), CONNINFO) for name in link.circle]
        change, changed = next((each for each in changes if each[0]), ("", []))
        yield Claim(
            subject=of_cluster(context.cluster.cluster),
            confidence=0.95,
            title=f"{CONNINFO} of {link.downstream} points to itself" if alone else "standbys follow each other",
            summary=f"{in_words(link.circle)}: none of them gets changes from a primary{change}",
            steps=[
                *(show_receiver(NodeName(name)) for name in link.circle),
                Step(
                    risk="careful",
                    text=f"On {link.downstream if alone else 'the one of them that is furthest'}: ALTER SYSTEM "
                    f"SET {CONNINFO} = '...'; with the address of {primary}, then reload the settings",
                ),
                *([reload_settings(link.downstream)] if alone else []),
            ],
            evidence_for=[
                *(
                    fact("upstream", above, name)
                    for name, above in zip(link.circle, (*link.circle[1:], link.circle[0]), strict=True)
                ),
                *(fact("role", "primary", name) for name in primaries),
                *changed,
            ],
        )


CAUSE = CauseRule(
    code="standbys_follow_each_other",
    find=find,
)
