"""Matching of incidents against routes and silences. A pattern has the wildcards ``*`` and ``?`` and no others."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from leadline.model.alert import severity_rank
from leadline.model.incident import Incident
from leadline.settings.routing import RouteMatch

MATCHERS: Final = ("cluster", "datacenter", "severity", "rule", "cause", "incident")
"""Names that a silence may match, besides ``label.NAME``."""
LABEL: Final = "label."


def route_matches(match: RouteMatch, incident: Incident) -> bool:
    """Whether a route applies to an incident. Its severity is the lowest that matches."""
    given = {"cluster": match.cluster, "datacenter": match.datacenter, "rule": match.rule}
    patterns = {name: pattern for name, pattern in given.items() if pattern is not None}
    patterns |= {LABEL + name: pattern for name, pattern in match.labels.items()}
    return severity_rank(incident.severity) >= severity_rank(match.severity) and patterns_match(patterns, incident)


def patterns_match(patterns: Mapping[str, str], incident: Incident) -> bool:
    """Whether every pattern matches. Of several datacenters, rules or causes, one is enough.

    ``severity`` is a pattern, not a lower bound: a silence of warnings ends when the incident becomes critical. An
    unknown name, perhaps of a newer version, matches nothing, since a needless notification is better than none.
    """
    return all(any(glob(pattern, text) for text in _texts(name, incident)) for name, pattern in patterns.items())


def glob(pattern: str, text: str) -> bool:
    """Whether the whole text matches. Case matters; brackets stand for themselves."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def is_matcher(name: str) -> bool:
    """Whether a silence may match this name."""
    return name in MATCHERS or (name.startswith(LABEL) and len(name) > len(LABEL))


def _texts(name: str, incident: Incident) -> Iterator[str]:
    match name:
        case "cluster":
            yield incident.cluster
        case "datacenter":
            yield from incident.datacenters
        case "severity":
            yield incident.severity
        case "rule":
            yield from incident.rules
        case "cause":
            yield from (cause.code for cause in incident.causes)
        case "incident":
            yield incident.incident_id
        case _ if name.startswith(LABEL) and name.removeprefix(LABEL) in incident.labels:
            yield incident.labels[name.removeprefix(LABEL)]
