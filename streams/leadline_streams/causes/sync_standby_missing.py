"""``sync_standby_missing``: standbys that must confirm commits are not connected."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.statements import change_setting, show_senders
from leadline_streams.engines.postgresql.synchronous import Wanted, confirming
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

SETTING = "synchronous_standby_names"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A primary with fewer synchronous standbys than it requires."""
    for node in context.nodes:
        wanted, sample = Wanted.of(context.setting(node, SETTING) or ""), node.sample
        if not node.writable or sample is None or wanted is None:
            continue
        there = [row.name for row in confirming(sample.downstreams)]
        if len(there) >= wanted.count:
            continue
        missing = wanted.missing(sample.downstreams)
        waiters = sample.activity.sync_waiters if sample.activity is not None else 0
        change, changed = context.blame(node, SETTING)
        yield Claim(
            subject=context.about_node(node),
            confidence=0.96 if waiters else 0.92,
            title=f"{node.name} lacks synchronous standbys",
            summary=f"{node.name} has {len(there)} of the {wanted.count} synchronous standbys that commits need; "
            + (
                f"not connected: {', '.join(missing)}"
                if missing
                else f"no others are named than {', '.join(wanted.names)}"
            )
            + (f"; commits that wait: {waiters}" if waiters else "")
            + change,
            steps=[
                show_senders(node.name),
                Step(
                    risk="safe",
                    text=f"Bring back {' or '.join(missing) or 'another standby'}; if that takes too long, give up "
                    "waiting: a commit is then safe on this server only",
                ),
                *change_setting(node.name, SETTING, "", "careful"),
            ],
            evidence_for=[
                *(changed or [fact(SETTING, context.shown(node, SETTING), node.name)]),
                fact("synchronous_now", ", ".join(there) or "none", node.name),
                fact("sync_waiters", waiters, node.name),
            ],
        )


CAUSE = CauseRule(
    code="sync_standby_missing",
    find=find,
)
