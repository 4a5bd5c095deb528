"""Incidents by the values of their fields, to find those that many silences match. Pure.

A set of incidents is an integer with one bit for each. A pattern is tried once on each value that occurs; the incidents
of several matchers are then a few operations on integers, whatever the number of incidents.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from leadline.model.incident import Incident
from leadline_sinks.notify.matching import MATCHERS, globbed, is_pattern, values_of

NONE: Final = 0


class IncidentIndex:
    """The incidents given. Announcements, which no silence holds back, are left out."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        self.incidents = [each for each in incidents if each.announcement is None]
        self.everything = (1 << len(self.incidents)) - 1
        """The set of all of them."""
        self._fields: dict[str, dict[str, int]] = {}
        self._tried: dict[tuple[str, str], int] = {}
        for number, incident in enumerate(self.incidents):
            for field in (*MATCHERS, *(f"label.{name}" for name in incident.labels)):
                values = self._fields.setdefault(field, {})
                for value in values_of(field, incident):
                    values[value] = values.get(value, NONE) | 1 << number

    def matched(self, patterns: Mapping[str, str]) -> int:
        """The set of the incidents that every pattern matches, as ``matching.patterns_match`` has it."""
        found = self.everything
        for field, pattern in patterns.items():
            found &= self._having(field, pattern)
        return found

    def chosen(self, found: int) -> list[Incident]:
        """The incidents of a set."""
        return [each for number, each in enumerate(self.incidents) if found >> number & 1] if found else []

    def _having(self, field: str, pattern: str) -> int:
        values = self._fields.get(field, {})
        if not is_pattern(pattern):
            return values.get(pattern, NONE)
        key = field, pattern
        if key not in self._tried:
            found = NONE
            for value in globbed(pattern, values):
                found |= values[value]
            self._tried[key] = found
        return self._tried[key]
