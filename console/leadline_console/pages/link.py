"""One link: its lag, its verdict, what is known about it, and why it did or did not alert at a time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from leadline.model.ids import node_id
from leadline_console.explainer import LinkExplained
from leadline_console.page import Asked, NotFound, Page
from leadline_console.pages.lags import lag_plots
from leadline_console.plot import LagPlot
from leadline_console.read_model import ReadModel
from leadline_console.rows import (
    AlertRow,
    IncidentRow,
    LinkRow,
    NodeRow,
    alert_rows,
    incident_rows,
    link_row,
    node_row,
)

if TYPE_CHECKING:
    from leadline_console.shared import Console

BACK: Final = ("30m", "5m", "2h", "6h")
"""Judging may begin so long before the time that is explained; the first is the default."""
_MINUTES: Final = {"30m": 30, "5m": 5, "2h": 120, "6h": 360}


class LinkData(msgspec.Struct, frozen=True, kw_only=True):
    """Whether both ends hold the same data."""

    outcome: str
    detail: str
    ended_at: datetime
    equal_at: datetime | None
    tables: int
    tables_different: int


class LinkPage(msgspec.Struct, frozen=True, kw_only=True):
    """One link."""

    title: str
    row: LinkRow
    observers: list[str]
    """The ends whose agents report."""
    ends: list[NodeRow]
    """Both ends as they are known; one that has no agent is missing."""
    unseen: list[str]
    """Ends of which no agent reports."""
    window_verdicts: dict[str, int]
    """Samples by verdict in the last roll-up."""
    window_s: float | None
    alerts: list[AlertRow]
    incidents: list[IncidentRow]
    data: LinkData | None
    """The last comparison of the data; None where there was none."""
    plots: list[LagPlot]
    at: str
    """The time that is asked for, as it was given; now where none was."""
    back: str
    backs: list[str]
    why: LinkExplained | None
    """The explanation of that time; None where none was asked for."""


def view(model: ReadModel, asked: Asked) -> LinkPage:
    """``link`` is its identity; ``at`` the time to explain, in UTC; ``back`` how long before judging begins.

    Raises NotFound.
    """
    ident = asked.text("link")
    link = model.links.get(ident)
    if link is None:
        raise NotFound(f"there is no link {ident!r}; it may have been forgotten: see its cluster")
    ends = [node for end in (link.upstream, link.downstream) if (node := _node(model, link.cluster, end)) is not None]
    seen = {each.node for each in ends}
    last = model.last_lags.get(ident)
    checked = model.verifications.get(ident)
    about = [
        each
        for kept in (model.open_incidents, model.resolved_incidents)
        for each in kept.values()
        if each.cluster == link.cluster and ident in each.affected.links
    ]
    return LinkPage(
        title=f"{link.upstream} → {link.downstream}",
        row=link_row(model, link),
        observers=list(link.observers),
        ends=ends,
        unseen=[end for end in (link.upstream, link.downstream) if end not in seen],
        window_verdicts=dict(last.verdicts) if last is not None else {},
        window_s=last.window_s if last is not None else None,
        alerts=alert_rows(
            each for each in model.alerts.values() if each.cluster == link.cluster and each.subject.id == ident
        ),
        incidents=incident_rows(about)[:20],
        data=LinkData(
            outcome=checked.outcome,
            detail=checked.detail,
            ended_at=checked.ended_at,
            equal_at=checked.equal_at,
            tables=len(checked.tables) + checked.tables_left_out,
            tables_different=len(checked.differences),
        )
        if checked is not None
        else None,
        plots=lag_plots(model, [link], asked.now),
        at=asked.text("at") or f"{asked.now.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        back=asked.one_of("back", BACK),
        backs=sorted(BACK, key=_MINUTES.__getitem__),
        why=asked.loaded,
    )


async def load(console: "Console", params: Mapping[str, str], who: str) -> LinkExplained | None:
    """The explanation, where a time is given."""
    given = params.get("at", "").strip()
    if not given:
        return None
    try:
        at = datetime.fromisoformat(given)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return LinkExplained(problem=f"{given[:60]} is no time; give one such as 2026-04-10 10:00:00, in UTC")
    asked = Asked(params, at)
    back = timedelta(minutes=_MINUTES[asked.one_of("back", BACK)])
    if at.year < 2000 or at.year > 9000:
        return LinkExplained(problem=f"{given[:60]}: no sample is of that year")
    return await console.explainer.link(console.model, asked.text("link"), at, back, who)


def _node(model: ReadModel, cluster: str, name: str) -> NodeRow | None:
    node = model.nodes.get(node_id(cluster, name))
    return node_row(node) if node is not None else None


PAGE: Final = Page("/link", "Link", "link.html", view, load=load, loads_once=True, is_same_for_all=True)
