"""``cascade_upstream_behind``: a cascading standby is late because a hop above it is."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import is_logical, streaming
from leadline_streams.engines.postgresql.silence import PAGE_SLACK_BYTES
from leadline_streams.engines.postgresql.statements import show_senders
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

BEHIND, CUT_ABOVE = 0.7, 0.45
"""Confidence by the state of the hop above: one that is cut has a cause of its own, which comes first."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A link that has all that its upstream can send, below a link that is behind or cut."""
    feeds = {link.downstream: link for link in context.cluster.links.values() if not is_logical(link)}
    for affected in streaming(context):
        link = affected.link
        if not link.lag_units or link.lag_units <= PAGE_SLACK_BYTES or 2 * (link.hop_units or 0) > link.lag_units:
            continue
        slowest = _slowest(link, feeds)
        if slowest is None:
            continue
        yield Claim(
            subject=of_link(slowest),
            confidence=BEHIND if slowest.connected else CUT_ABOVE,
            title=f"{link.downstream} is behind because {slowest.downstream} is",
            summary=f"{link.downstream} has received all that {link.upstream} can send; the lag arises between "
            f"{slowest.upstream} and {slowest.downstream}, which is {slowest.verdict.replace('_', ' ')}",
            steps=[
                show_senders(slowest.upstream),
                Step(
                    risk="look",
                    text=f"Repair the link from {slowest.upstream} to {slowest.downstream}; {link.downstream} then "
                    "catches up by itself",
                ),
            ],
            evidence_for=[
                fact("lag_bytes", link.lag_units, link.downstream),
                fact("behind_own_upstream_bytes", link.hop_units, link.downstream),
                fact("verdict", slowest.verdict, slowest.downstream),
            ],
        )


def _slowest(link: LinkState, feeds: dict[NodeName, LinkState]) -> LinkState | None:
    """The hop above that loses most; a hop that is cut loses all there is."""
    above, seen = feeds.get(link.upstream), {link.downstream}
    worst: LinkState | None = None
    while above is not None and above.downstream not in seen:
        seen.add(above.downstream)
        if worst is None or (above.hop_units or 0) > (worst.hop_units or 0):
            worst = above
        above = feeds.get(above.upstream)
    return worst if worst is not None and (worst.hop_units or 0) > PAGE_SLACK_BYTES else None


CAUSE = CauseRule(
    code="cascade_upstream_behind",
    find=find,
)
