"""Rules: armed or blind, by cluster, with the reason; and the limits of each."""

from typing import Final

import msgspec

from leadline.catalogue import RULES
from leadline.words import amount, duration
from leadline_console.armed import BlindSpot, blind_spots, every_blind_spot
from leadline_console.page import Asked, NotFound, Page
from leadline_console.read_model import ReadModel
from leadline_console.wording import many
from leadline_streams.reported import EVERY_RULE


class ClusterRules(msgspec.Struct, frozen=True, kw_only=True):
    """The number of rules that see all that they need in a cluster."""

    cluster: str
    armed: int
    blind: int
    """Rules that do not see something that they may need."""
    spots: list[BlindSpot]


class RuleState(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, in the cluster that is asked for or in all."""

    rule: str
    family: str
    class_: str = msgspec.field(name="class")
    about: str
    """The kind of its subjects."""
    help: str
    warning: str
    """Its default limit with the unit; empty without one."""
    critical: str
    for_s: float
    runbook: str
    firing: int
    """Its open alerts."""
    state: str
    """``armed`` or ``blind``."""
    reasons: list[str]
    """The servers on which it is blind, with the reasons."""


class RulesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Rules of a cluster, or clusters with their blind rules."""

    first_line: str
    cluster: str
    clusters: list[ClusterRules]
    """Those with the most blind rules first."""
    spots: list[BlindSpot]
    """The parts that are not seen in the cluster that is asked for."""
    rules: list[RuleState]
    """Blind ones first."""


MOST_REASONS: Final = 6


def view(model: ReadModel, asked: Asked) -> RulesPage:
    """``cluster`` shows one cluster. Raises NotFound."""
    cluster = asked.text("cluster")
    if cluster:
        if not any(each.cluster == cluster for each in model.nodes.values()):
            raise NotFound(f"there is no cluster {cluster!r}; the fleet has those that there are")
        spots = blind_spots(model, cluster)
        return RulesPage(
            first_line=f"{cluster}: {_counted(spots)}",
            cluster=cluster,
            clusters=[],
            spots=spots,
            rules=_rules(model, {cluster: spots}, cluster),
        )
    found = every_blind_spot(model)
    rows = [_cluster(name, spots) for name, spots in found.items()]
    rows.sort(key=lambda each: (-len([spot for spot in each.spots if spot.node]), -each.blind, each.cluster))
    return RulesPage(
        first_line=_overview(rows),
        cluster="",
        clusters=rows,
        spots=[],
        rules=_rules(model, found, ""),
    )


def _cluster(name: str, spots: list[BlindSpot]) -> ClusterRules:
    blind = {rule for spot in spots for rule in spot.rules}
    return ClusterRules(cluster=name, armed=len(RULES) - len(blind), blind=len(blind), spots=spots)


def _rules(model: ReadModel, spots: dict[str, list[BlindSpot]], cluster: str) -> list[RuleState]:
    reasons: dict[str, list[str]] = {}
    for name, found in spots.items():
        for spot in found:
            where = spot.node if cluster else f"{name}/{spot.node}" if spot.node else name
            for rule in spot.rules:
                reasons.setdefault(rule, []).append(f"{where}: {spot.why}" if where else spot.why)
    firing: dict[str, int] = {}
    for alert in model.alerts.values():
        if alert.to in ("firing", "unknown") and cluster in ("", alert.cluster):
            firing[alert.rule] = firing.get(alert.rule, 0) + 1
    rows = [_rule(code, reasons.get(code, []), firing.get(code, 0)) for code in RULES]
    return sorted(rows, key=lambda each: (each.state == "armed", each.family, each.rule))


def _rule(code: str, reasons: list[str], firing: int) -> RuleState:
    entry, limits = RULES[code], EVERY_RULE[code].limits if code in EVERY_RULE else None
    sign = "≤" if limits is not None and limits.low_is_bad else "≥"
    levels = [
        f"{sign} {duration(level) if entry.unit == 's' else amount(level, entry.unit)}" if level is not None else ""
        for level in ((limits.warning, limits.critical) if limits is not None else (None, None))
    ]
    more = [f"and {len(reasons) - MOST_REASONS} more"] if len(reasons) > MOST_REASONS else []
    return RuleState(
        rule=code,
        family=entry.family,
        class_=entry.class_,
        about=entry.on,
        help=entry.help,
        warning=levels[0],
        critical=levels[1],
        for_s=limits.for_s if limits is not None else 0.0,
        runbook=entry.runbook,
        firing=firing,
        state="blind" if reasons else "armed",
        reasons=reasons[:MOST_REASONS] + more,
    )


def _overview(rows: list[ClusterRules]) -> str:
    if not rows:
        return "No cluster is known, so no rule watches anything."
    blind = [row for row in rows if any(spot.node for spot in row.spots)]
    if not blind:
        return f"Every server of {many(len(rows), 'cluster')} is seen in full."
    first = f"Begin with {blind[0].cluster}: {_counted(blind[0].spots)}"
    return f"In {len(blind)} of {many(len(rows), 'cluster')} something is not seen. {first}"


def _counted(spots: list[BlindSpot]) -> str:
    there = [spot for spot in spots if spot.node]
    blind = {rule for spot in spots for rule in spot.rules}
    if not blind:
        return f"all {len(RULES)} rules see what they need."
    if not there:
        return f"{len(blind)} of {len(RULES)} rules cannot fire: {spots[0].why}."
    more = f", and {len(there) - 1} more" if len(there) > 1 else ""
    there_blind = {rule for spot in there for rule in spot.rules}
    first = there[0]
    return f"{len(there_blind)} of {len(RULES)} rules do not see all of it: on {first.node} {first.why}{more}."


PAGE: Final = Page("/rules", "Rules", "rules.html", view, menu="Rules")
