"""``sequences_not_replicated``: subscriptions carry rows, and not the sequences that made their keys."""

from collections.abc import Iterator
from typing import Final

from leadline.model.incident import Step
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim

RULE: Final = "sequence_behind"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Sequences of a subscriber that are behind: always so, unless somebody sets them."""
    open_on = {alert.subject.id for alert in context.alerts if alert.rule == RULE}
    for report in context.cluster.reports.values():
        for finding in report.findings:
            about = finding.subject
            if finding.rule != RULE or about.id not in open_on:
                continue
            up, down = about.upstream or "the publisher", about.downstream or "the subscriber"
            yield Claim(
                subject=about,
                confidence=0.95,
                title=f"sequences of {down} are behind {up}",
                summary=f"{finding.summary}: logical replication carries the rows, and not the sequences",
                steps=[
                    Step(
                        risk="look",
                        node=about.upstream,
                        sql="SELECT schemaname, sequencename, last_value, increment_by FROM pg_sequences "
                        "ORDER BY schemaname, sequencename",
                    ),
                    Step(
                        risk="careful",
                        node=about.downstream,
                        text=f"In the cut-over, after the last write on {up} and before the first on {down}: set each "
                        "sequence with setval() to a value beyond the publisher's. Before that there is nothing to do",
                    ),
                ],
                evidence_for=finding.evidence,
            )


CAUSE = CauseRule(
    code="sequences_not_replicated",
    find=find,
)
