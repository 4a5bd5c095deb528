"""``publisher_not_seen``: a subscription receives nothing, and its publisher is not among the watched servers."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.causes.apply_workers_exhausted import reached_limits
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.engines.postgresql.unserved import serves, successor_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"subscription_without_worker"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An enabled subscription that receives nothing, with free workers; no watched server can be its publisher."""
    for affected in affected_subscriptions(context, RULES):
        own, link = affected.subscription, affected.link
        if own.name not in affected.node.idle_subscriptions or reached_limits(context, affected):
            continue
        found = successor_of(context.cluster, affected.node, own, link)
        if (found is not None and found.was_promoted) or (link is not None and serves(affected.publisher, link, found)):
            continue
        name = affected.node.name
        has = f" ({found.node.name} has its publications)" if found is not None else ""
        yield Claim(
            subject=affected.about,
            confidence=0.45,
            title=f"{affected.name} receives nothing",
            summary=f"{affected.name} is enabled and receives nothing, and no watched server has its slot "
            f"{own.slot}{has}: its publisher may be down or unreachable, or have been replaced by a server without it",
            steps=[
                affected.show,
                Step(
                    risk="look",
                    node=name,
                    text="Read the last ERROR of the worker in the server log: it names the reason",
                ),
                Step(
                    risk="look",
                    text="On the server that the subscription connects to, list its slots: "
                    "SELECT slot_name, active FROM pg_replication_slots",
                ),
            ],
            evidence_for=[fact("worker", own.pid or "none", name, own.wait or "enabled, no stream")],
            not_seen=[fact("publisher", "not seen", name, "an agent on the publisher shows whether it has the slot")],
        )


CAUSE = CauseRule(
    code="publisher_not_seen",
    find=find,
)
