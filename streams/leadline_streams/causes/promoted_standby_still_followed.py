"""``promoted_standby_still_followed``: standbys follow a server that was promoted beside the primary."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.causes.two_writers import writers_of
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.engines.postgresql.statements import show_senders
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A connected standby of the newer of two writers."""
    for writers in writers_of(context):
        newest = writers[-1]
        for link in context.cluster.below(newest.name):
            if not is_streaming(link) or not link.connected:
                continue
            yield Claim(
                subject=of_link(link),
                confidence=0.9,
                title=f"{link.downstream} follows {newest.name}, which was promoted",
                summary=f"{link.downstream} followed it to timeline {newest.node.timeline} of {newest.name} and "
                f"no longer receives what {writers[0].name} writes",
                steps=[
                    show_senders(newest.name),
                    Step(
                        risk="look",
                        text=f"Leave {link.downstream} as it is until it is decided which of the two stays the "
                        f"primary: it holds a copy of the rows that only {newest.name} has",
                    ),
                ],
                evidence_for=[
                    fact("upstream", newest.name, link.downstream),
                    fact("timeline", newest.node.timeline, newest.name),
                    fact("timeline", writers[0].node.timeline, writers[0].name),
                ],
            )


CAUSE = CauseRule(
    code="promoted_standby_still_followed",
    find=find,
)
