"""Standbys that ``synchronous_standby_names`` requires, and those that confirm commits now."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from leadline.model.replication import Downstream
from leadline.numbers import whole_number

_TOKEN = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([A-Za-z_\x80-\U0010ffff][\w$]*)|(\d+)|(\*)|([(),]))')
"""A quoted name, a name, a number, ``*``, or a mark: the tokens of PostgreSQL's syncrep_scanner.l."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The number of standbys that must confirm a commit, and the names of those that may."""

    count: int
    names: tuple[str, ...]
    """In order of priority. ``*`` is any standby. Names are compared without case."""
    quorum: bool = False
    """Whether any of them will do (``ANY``), not only the first that are connected (``FIRST``)."""

    @classmethod
    def of(cls, setting: str) -> Self | None:
        """The requirement of a setting. None when the setting is empty or is text that no server accepts."""
        tokens = _tokens(setting)
        if not tokens:
            return None
        method = tokens[0].lower() if len(tokens) > 1 and tokens[1].isdecimal() else ""
        head = 2 if method in ("any", "first") else 1
        grouped = len(tokens) > head and tokens[head] == "(" and tokens[-1] == ")"
        count = whole_number(tokens[head - 1]) if grouped else None
        names = _names(tokens[head + 1 : -1] if count is not None else tokens)
        if names is None:
            return None
        return cls(count, names, method == "any") if count is not None else cls(1, names)

    def missing(self, downstreams: Iterable[Downstream]) -> list[str]:
        """The names that no connected standby has; ``*`` is never among them."""
        connected = {row.name.lower() for row in downstreams}
        return [name for name in self.names if name != "*" and name.lower() not in connected]


def confirming(downstreams: Iterable[Downstream]) -> list[Downstream]:
    """Standbys whose confirmation counts now: the server marks only streaming ones as sync or quorum."""
    return [row for row in downstreams if row.sync_state in ("sync", "quorum")]


def _tokens(setting: str) -> list[str] | None:
    """The tokens; None for text that is not a list. A quoted name keeps its first quote, so it is no keyword."""
    found, at, end = [], 0, len(setting.rstrip())
    while at < end:
        token = _TOKEN.match(setting, at)
        if token is None:
            return None
        quoted, *others = token.groups()
        found.append('"' + quoted.replace('""', '"') if quoted is not None else next(filter(None, others)))
        at = token.end()
    return found


def _names(tokens: list[str]) -> tuple[str, ...] | None:
    names, commas = tokens[::2], tokens[1::2]
    if len(tokens) % 2 == 0 or set(commas) - {","} or not set(names).isdisjoint("(),"):
        return None
    return tuple(name.removeprefix('"') for name in names)
