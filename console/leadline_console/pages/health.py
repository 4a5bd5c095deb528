"""Health of Leadline itself: agents, workers, targets of notifications, and the console's own feed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline_console.dead_letters import DeadLetterCount, count_of
from leadline_console.page import Asked, Page
from leadline_console.pages.incidents import ListedIncident, listed_incident
from leadline_console.read_model import ReadModel
from leadline_console.wording import age, many

if TYPE_CHECKING:
    from leadline_console.shared import Console

OWN_RULES: Final = frozenset({"agent_silent", "judgement_failing", "sink_failing", "node_name_shared", "clock_skew"})
"""Rules about parts of Leadline."""
OWN_CLUSTER: Final = "leadline"
LATE_S: Final = 60.0
"""A cluster of which nothing was judged for so long."""
STUCK_S: Final = 60.0
"""An attempt whose outcome is not on record for so long."""
MOST_SHOWN: Final = 100


class SilentAgent(msgspec.Struct, frozen=True, kw_only=True):
    """A server whose agent does not report, or does not reach it."""

    cluster: str
    node: str
    health: str
    since: datetime
    note: str


class LateCluster(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster of which nothing was judged for a while."""

    cluster: str
    judged_at: datetime
    age_s: float


class TargetHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of the last notifications of one target."""

    target: str
    sink: str
    last_at: datetime
    """The newest decision."""
    sent_at: datetime | None
    """The newest that the target accepted."""
    refused: int
    """Open incidents whose notification it refused."""
    stuck: int
    """Open incidents whose attempt has no outcome yet."""
    is_failing: bool
    """Whether an incident about it is open."""


class HealthPage(msgspec.Struct, frozen=True, kw_only=True):
    """Leadline itself."""

    first_line: str
    is_fine: bool
    incidents: list[ListedIncident]
    """Open ones that are about Leadline."""
    agents: int
    """Servers that agents report of."""
    silent: list[SilentAgent]
    late: list[LateCluster]
    clusters: int
    judged_at: datetime | None
    targets: list[TargetHealth]
    dead_letters: DeadLetterCount
    feed_problem: str
    feed_behind: int
    feed_is_complete: bool
    left_out: int
    """Things that the console has forgotten, since there were too many."""


def view(model: ReadModel, asked: Asked) -> HealthPage:
    """Without parameters."""
    own = [
        each
        for each in model.open_incidents.values()
        if each.cluster == OWN_CLUSTER or (each.class_ == "page" and OWN_RULES & set(each.rules))
    ]
    silent = [
        SilentAgent(cluster=each.cluster, node=each.node, health=each.health, since=each.since, note=each.note or "")
        for each in sorted(model.nodes.values(), key=lambda each: (each.since, each.cluster, each.node))
        if each.health in ("silent", "unseen")
    ]
    seen = _judged(model)
    late = [
        LateCluster(cluster=cluster, judged_at=at, age_s=(asked.now - at).total_seconds())
        for cluster, at in sorted(seen.items(), key=lambda each: each[1])
        if (asked.now - at).total_seconds() > LATE_S
    ]
    letters: DeadLetterCount = asked.loaded or DeadLetterCount()
    page = HealthPage(
        first_line="",
        is_fine=True,
        incidents=[listed_incident(model, each, asked.now) for each in own[:MOST_SHOWN]],
        agents=len(model.nodes),
        silent=silent[:MOST_SHOWN],
        late=late[:MOST_SHOWN],
        clusters=len(seen),
        judged_at=model.judged_at,
        targets=_targets(model, own, asked.now),
        dead_letters=letters,
        feed_problem=model.feed.problem,
        feed_behind=model.feed.behind,
        feed_is_complete=model.feed.is_complete,
        left_out=model.left_out,
    )
    worst = _worst(page)
    return replace(page, first_line=worst or _fine(page), is_fine=not worst)


def _judged(model: ReadModel) -> dict[str, datetime]:
    """By cluster, the newest time of anything that was judged of it."""
    found: dict[str, datetime] = {}
    shown = [(each.cluster, each.at) for kept in (model.nodes, model.links) for each in kept.values()]
    for cluster, at in (*shown, *((each.cluster, each.end) for each in model.last_lags.values())):
        if cluster not in found or at > found[cluster]:
            found[cluster] = at
    return found


def _targets(model: ReadModel, own: Sequence[Incident], now: datetime) -> list[TargetHealth]:
    failing = {each.labels.get("target") for each in own if each.rules == ["sink_failing"]}
    by_target: dict[str, list[Delivery]] = {}
    for by in model.deliveries.values():
        for each in by.values():
            by_target.setdefault(each.target, []).append(each)
    return [_target(model, target, by_target[target], target in failing, now) for target in sorted(by_target)]


def _target(model: ReadModel, target: str, found: Sequence[Delivery], is_failing: bool, now: datetime) -> TargetHealth:
    newest = max(found, key=lambda each: each.at)
    open_ = [each for each in found if each.incident_id in model.open_incidents]
    return TargetHealth(
        target=target,
        sink=newest.sink,
        last_at=newest.at,
        sent_at=max((each.at for each in found if each.outcome in ("sent", "partial")), default=None),
        refused=sum(1 for each in open_ if each.outcome == "given_up"),
        stuck=sum(1 for each in open_ if each.outcome == "attempted" and (now - each.at).total_seconds() > STUCK_S),
        is_failing=is_failing,
    )


def _worst(page: "HealthPage") -> str:
    """The faults of Leadline itself in one sentence, the gravest first; empty where there is none."""
    if page.feed_problem:
        return f"The console cannot read Kafka, so what it shows is old: {page.feed_problem}"
    if page.judged_at is None and page.feed_is_complete:
        return "Nothing was ever judged: start an agent with `leadline agent` and a worker with `leadline stream`."
    if page.late and len(page.late) == page.clusters:
        old = age(min(each.age_s for each in page.late))
        return f"Nothing was judged for {old}: no stream worker runs, or no agent reports. Nobody would be warned."
    if failing := [each.target for each in page.targets if each.is_failing or each.refused or each.stuck]:
        return f"Notifications do not reach {', '.join(failing)}."
    if page.late:
        last = page.late[0]
        return f"{last.cluster} was not judged for {age(last.age_s)}; {many(len(page.late), 'cluster')} late."
    if page.silent:
        first = page.silent[0]
        do = "does" if len(page.silent) == 1 else "do"
        return f"{many(len(page.silent), 'agent')} {do} not report: {first.cluster}/{first.node} is not watched."
    return page.incidents[0].title if page.incidents else ""


def _fine(page: "HealthPage") -> str:
    notified = f"{many(len(page.targets), 'target')} notified" if page.targets else "nobody notified yet"
    judged = f"{many(page.clusters, 'cluster')} judged"
    return f"Leadline works: every agent of {many(page.agents, 'server')} reports, {judged}, {notified}."


async def load(console: "Console", params: Mapping[str, str], who: str) -> DeadLetterCount:
    """The dead letters, which the model does not have."""
    return await count_of(console.settings.kafka)


PAGE: Final = Page("/health", "Health of Leadline", "health.html", view, menu="Health", load=load)
