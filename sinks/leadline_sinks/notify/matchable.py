"""Matchers of a silence as people give them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from leadline.errors import UsageError
from leadline_sinks.notify.matching import LABEL, MATCHERS, is_matcher

ALERTMANAGER: Final[Mapping[str, str]] = {"alertname": "rule=NAME", "alertgroup": "rule=PATTERN", "job": "cluster=NAME"}
"""Labels that matchers of Alertmanager often name, and the fields to use here."""


def parsed(given: Sequence[str]) -> dict[str, str]:
    """Matchers from texts such as ``cluster=orders``. Raises UsageError."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, pattern = text.partition("=")
        if reason := _foreign(name, pattern):
            raise UsageError(f"{text!r} is not a matcher: {reason}")
        if not equals or not pattern:
            raise UsageError(f"{text!r} is not a matcher; give NAME=PATTERN, such as cluster=orders")
        if not is_matcher(name):
            if name in ALERTMANAGER:
                raise UsageError(f"{name!r} is a label of Alertmanager; use {ALERTMANAGER[name]}")
            raise UsageError(f"{name!r} is not a field of an incident; use {', '.join(MATCHERS)}, or {LABEL}NAME")
        if name in found:
            raise UsageError(f"{name} is given twice; all matchers must match, so add two silences")
        found[name] = pattern
    return found


def _foreign(name: str, pattern: str) -> str:
    """The reason for which a matcher in the form of Alertmanager is none here; empty for any other.

    https://prometheus.io/docs/alerting/latest/configuration/#matcher has its four operators and its braces.
    """
    if name.startswith("{"):
        return "leave out the braces, and give each matcher as an argument of its own"
    if name.endswith("!") or (not pattern and "!~" in name):
        return "a silence cannot match what is not so; name what it is to match, in several silences if need be"
    if pattern.startswith("~"):
        return "patterns are no regular expressions; * stands for any text and ? for any character"
    if len(pattern) > 1 and pattern[0] == pattern[-1] == '"':
        return f"leave out the quotation marks: {name}={pattern[1:-1]}"
    return ""
