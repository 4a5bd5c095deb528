"""Which route an incident takes, and where it leads, in words. Pure."""

from collections.abc import Sequence

from leadline.model.incident import Incident
from leadline.settings.routing import RouteMatch, RouteSettings
from leadline.settings.sink import SinkSettings
from leadline_sinks.notify.matching import route_matches
from leadline_sinks.notify.routing import targets


def routed(settings: SinkSettings, incident: Incident, target: str) -> tuple[bool, str]:
    """Whether the routes lead from an incident to a target, and the routes that decide it in a sentence."""
    leads = target in targets(settings, incident)
    taken = _taken(settings.routes, incident)
    if target not in settings.names():
        return False, f"The settings of the sink have no target {target}."
    if not taken:
        default = settings.names() if settings.default is None else settings.default
        return leads, f"No route matches it, so the default holds, which leads to {_list(default)}."
    parts = [f"route {number} ({_match(route.match)}), which leads to {_list(route.to)}" for number, route in taken]
    return leads, f"It takes {', and then '.join(parts)}."


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
