"""Whether an incident is one of those that a route or a silence is for. Patterns have ``*`` and ``?``, no more."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from leadline.model.alert import severity_rank
from leadline.model.incident import Incident
from leadline.settings.sink import RouteMatch

MATCHERS: Final = ("cluster", "datacenter", "severity", "rule", "cause", "incident")
"""What a silence's patterns are held against, beside ``label.NAME``."""
LABEL: Final = "label."


def glob(pattern: str, text: str) -> bool:
    """Whether the whole text fits. Upper and lower case differ; brackets are only brackets."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def matches(match: RouteMatch, incident: Incident) -> bool:
    """Whether a route is for an incident; its severity is a least one."""
    given = {"cluster": match.cluster, "datacenter": match.datacenter, "rule": match.rule}
    patterns = {name: pattern for name, pattern in given.items() if pattern is not None}
    patterns |= {LABEL + name: pattern for name, pattern in match.labels.items()}
    return severity_rank(incident.severity) >= severity_rank(match.severity) and fits(patterns, incident)


def fits(patterns: Mapping[str, str], incident: Incident) -> bool:
    """Whether all patterns fit; of several datacentres, rules or causes one is enough.

    A silence's ``severity`` is a pattern too: what is silenced as a warning is heard when it becomes critical. A name
    that we do not know, perhaps of a newer version, fits nothing: better to be told than not.
    """
    return all(any(glob(pattern, text) for text in _texts(name, incident)) for name, pattern in patterns.items())


def known(name: str) -> bool:
    """Whether there is something to hold a pattern of this name against."""
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
