"""Measures of a post-mortem that the audit watches."""

from typing import Self


class Measure(str):
    """The text of a measure, with the audit rules that are violated when it is undone."""

    __slots__ = ("rules",)
    rules: tuple[str, ...]
    """Of at least one; a rule watches a measure if what it finds is what the measure was to prevent."""

    def __new__(cls, text: str, *rules: str) -> Self:
        """The text and the ids of rules, such as ``PG-WAL-002``."""
        made = super().__new__(cls, text)
        made.rules = rules
        return made


def rules_of(measure: str) -> tuple[str, ...]:
    """The audit rules that watch a measure; none where the audit cannot see whether it is kept."""
    return measure.rules if isinstance(measure, Measure) else ()
