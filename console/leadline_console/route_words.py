"""Which route an incident takes, and where it leads, in words. Pure."""

from collections.abc import Sequence
from datetime import datetime
from math import inf

from leadline.model.incident import Incident
from leadline.settings.routing import RouteMatch, RouteSettings
from leadline.settings.sink import SinkSettings
from leadline.words import duration
from leadline_sinks.notify.matching import route_matches
from leadline_sinks.notify.routing import until_routed_s


def routed(
    settings: SinkSettings, incident: Incident, target: str, now: datetime, acknowledged: bool
) -> tuple[float, str]:
    """Seconds until the routes lead from an incident to a target, infinity for never as things are; and a sentence with
    the routes that decide it.
    """
    if target not in settings.names():
        return inf, f"The settings of the sink have no target {target}."
    began = max([incident.detected_at, *incident.reopened])
    wait_s = until_routed_s(settings, incident, target, now, None if acknowledged else (now - began).total_seconds())
    taken = _taken(settings.routes, incident)
    if not taken:
        default = settings.names() if settings.default is None else settings.default
        return wait_s, f"No route matches it, so the default holds, which leads to {_list(default)}."
    parts = [f"route {number} ({_match(route.match)}), which leads to {_leads(route)}" for number, route in taken]
    return wait_s, f"It takes {', and then '.join(parts)}."


def _leads(route: RouteSettings) -> str:
    """The targets of a route, those of other hours, and those that follow while nobody acknowledges."""
    parts = [_list(route.to)]
    if route.hours is not None:
        held = f"holds back {'pages and notices' if route.hold == 'pages' else 'notices'} outside of its hours"
        parts.append(held if route.outside_to is None else f"outside of its hours to {_list(route.outside_to)}")
    parts += [f"after {duration(step.after_s)} without acknowledgement to {_list(step.to)}" for step in route.escalate]
    return ", ".join(parts)


def _taken(routes: Sequence[RouteSettings], incident: Incident) -> list[tuple[int, RouteSettings]]:
    """The routes that match, up to the first that does not go on, with their numbers from 1."""
    found = []
    for number, route in enumerate(routes, 1):
        if route_matches(route.match, incident):
            found.append((number, route))
            if not route.continue_:
                break
    return found


def _match(match: RouteMatch) -> str:
    given = {"cluster": match.cluster, "datacenter": match.datacenter, "rule": match.rule}
    parts = [f"{name} {pattern}" for name, pattern in given.items() if pattern is not None]
    parts += [f"label {name} {pattern}" for name, pattern in match.labels.items()]
    parts += [f"from {match.severity} on"] if match.severity != "info" else []
    return ", ".join(parts) or "everything"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "nobody"
