"""The targets that are notified when silences begin and end: those whose notifications they can hold back. Pure."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from leadline.model.alert import Severity, severity_rank
from leadline.model.announcement import Announcement
from leadline.model.ids import IncidentId
from leadline.model.incident import Incident
from leadline.settings.routing import RouteMatch
from leadline.settings.sink import SinkSettings
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.matching import LABEL, glob, is_pattern, may_both_match
from leadline_sinks.notify.routing import CONSOLE
from leadline_sinks.notify.shown_silence import is_of_one
from leadline_sinks.notify.situation import may_have_received

SHORT: Final = timedelta(seconds=60)
"""Silences that are shorter are announced once, at their end."""
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")


def is_announced(settings: SinkSettings, incident: Incident, target: str) -> bool:
    """Whether a target that has no message about an announcement yet is to be sent one now."""
    about = incident.announcement
    if about is None or settings.notify.announce_silences == "never":
        return False
    over = incident.state == "resolved"
    if settings.notify.announce_silences == "held" and not (over and about.held_count):
        return False
    begin, end = min(each.starts_at for each in about.silences), max(each.ends_at for each in about.silences)
    if not over and end - begin < SHORT:
        return False
    return any(can_hold_back(settings, _matchers(each.matchers, incident), target) for each in about.silences)


def is_in_messages(about: Announcement, context: NotificationContext, target: str) -> bool:
    """Whether each silence is of one incident whose message at the target shows it."""
    return all(is_of_one(each) and _has_message(each.matchers["incident"], context, target) for each in about.silences)


def _has_message(ident: str, context: NotificationContext, target: str) -> bool:
    last = context.delivery(IncidentId(ident), target)
    return last is not None and may_have_received(last)


def can_hold_back(settings: SinkSettings, matchers: Mapping[str, str], target: str) -> bool:
    """Whether the routes may lead an incident that the matchers match to a target, and announce silences to it."""
    if target == CONSOLE:
        return True
    for route in settings.routes:
        if not _may_match(route.match, matchers):
            continue
        if route.announce_silences and any(target == name for _, name in route.names()):
            return True
        if _matches_all(route.match, matchers) and not route.continue_:
            return False
    return target in (settings.names() if settings.default is None else settings.default)


def _matchers(matchers: Mapping[str, str], incident: Incident) -> Mapping[str, str]:
    """The matchers of a silence; those of one incident with its cluster."""
    return {"cluster": incident.cluster, **matchers} if "incident" in matchers else matchers


def _may_match(route: RouteMatch, matchers: Mapping[str, str]) -> bool:
    """Whether there can be an incident that both match."""
    severity = matchers.get("severity", "*")
    if not any(glob(severity, each) for each in _from(route.severity)):
        return False
    # An incident has several datacenters and rules: one pattern may match one of them, and one another.
    if route.cluster is not None and not may_both_match(route.cluster, matchers.get("cluster", "*")):
        return False
    return all(may_both_match(each, matchers.get(LABEL + name, "*")) for name, each in route.labels.items())


def _matches_all(route: RouteMatch, matchers: Mapping[str, str]) -> bool:
    """Whether a route surely leads every incident that the matchers match."""
    cluster, severity = matchers.get("cluster", "*"), matchers.get("severity", "*")
    of_cluster = route.cluster in (None, "*", cluster) or (not is_pattern(cluster) and glob(route.cluster, cluster))
    given = {glob(severity, each) for each in SEVERITIES if each not in _from(route.severity)}
    return of_cluster and True not in given and route.rule is None and route.datacenter is None and not route.labels


def _from(lowest: Severity) -> Iterable[Severity]:
    return [each for each in SEVERITIES if severity_rank(each) >= severity_rank(lowest)]
