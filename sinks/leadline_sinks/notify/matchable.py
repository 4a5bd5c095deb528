"""Matchers of a silence as people give them, and the refusal of those that no incident can have. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final, get_args

from leadline.catalogue import CAUSES, RULES
from leadline.errors import UsageError
from leadline.model.alert import Severity
from leadline.suggestion import instead
from leadline_sinks.notify.matching import LABEL, MATCHERS, glob, is_matcher

FIXED: Final[Mapping[str, Sequence[str]]] = {
    "severity": get_args(Severity),
    "rule": sorted(RULES),
    "cause": sorted(CAUSES),
}
"""The values of the fields whose values the catalogue has."""
SEEN: Final = frozenset({"cluster", "datacenter", "incident"})
"""Fields whose values must be known to Kafka, or be declared as still to come. Labels are not among them: incidents
show them only while they are open."""


def parsed(given: Sequence[str]) -> dict[str, str]:
    """Matchers from texts such as ``cluster=orders``. Raises UsageError."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, pattern = text.partition("=")
        if not equals or not pattern:
            raise UsageError(f"{text!r} is not a matcher; give NAME=PATTERN, such as cluster=orders")
        if not is_matcher(name):
            raise UsageError(f"{name!r} is not a field of an incident; use {', '.join(MATCHERS)}, or {LABEL}NAME")
        if name in found:
            raise UsageError(f"{name} is given twice; all matchers must match, so add two silences")
        found[name] = pattern
    return found


def require_match(name: str, pattern: str, values: Sequence[str], unknown: str) -> None:
    """Raise UsageError for a pattern that none of these values of a field matches, with the one that was meant.

    ``unknown``: how to state that the value is still to come; it is named for fields in ``SEEN``.
    """
    if any(glob(pattern, value) for value in values):
        return
    hint = instead(pattern, values, "known" if name in SEEN else "allowed")
    more = f"; {unknown} if it is still to come" if name in SEEN else ""
    raise UsageError(f"no {name} matches {pattern!r}; {hint}{more}")
