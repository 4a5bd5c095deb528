"""Matching of incidents against routes and silences. A pattern has the wildcards ``*`` and ``?`` and no others."""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase, translate
from functools import lru_cache
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
    return all(any(glob(pattern, text) for text in values_of(name, incident)) for name, pattern in patterns.items())


def globbed(pattern: str, texts: Iterable[str]) -> list[str]:
    """The texts that a pattern matches as a whole, as ``glob`` has it; quick for many texts."""
    matches = _compiled(pattern).match
    return [text for text in texts if matches(text)]


@lru_cache(maxsize=32_768)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Python keeps 512 of its own: with more silences than that, each would be compiled at each use.
    return re.compile(translate(pattern.replace("[", "[[]")))


def glob(pattern: str, text: str) -> bool:
    """Whether the whole text matches. Case matters; brackets stand for themselves."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def is_pattern(text: str) -> bool:
    """Whether a pattern has a wildcard, so that it may match more than one text."""
    return "*" in text or "?" in text


def may_both_match(one: str, other: str) -> bool:
    """Whether there is a text that both patterns match."""
    here = {0}  # positions in `one` at which what has been read of `other` may end
    for character in other:
        here = _closed(one, here)
        if character == "*":
            here = set(range(min(here, default=len(one) + 1), len(one) + 1))
            continue
        step = {at + 1 for at in here if at < len(one) and one[at] != "*" and _same(one[at], character)}
        here = step | {at for at in here if at < len(one) and one[at] == "*"}
    return len(one) in _closed(one, here)


def _closed(pattern: str, positions: set[int]) -> set[int]:
    """The positions, and those after a ``*`` that stands for nothing."""
    found = set(positions)
    for at in range(len(pattern)):
        if at in found and pattern[at] == "*":
            found.add(at + 1)
    return found


def _same(one: str, other: str) -> bool:
    return one == other or "?" in (one, other)


def is_matcher(name: str) -> bool:
    """Whether a silence may match this name."""
    return name in MATCHERS or (name.startswith(LABEL) and len(name) > len(LABEL))


def values_of(name: str, incident: Incident) -> Iterator[str]:
    """The values that an incident has in a field; none for a name that is no field."""
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
