"""The settings of one server, of which most are the same on many servers: it holds those that differ from a table.

A server has some eighty settings, and a table of its own of so many takes 1.6 kB; those of a standby that differ from
its primary's are two or three.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import msgspec

from leadline import interned_decode
from leadline.model.observation import SettingValue

TABLES = 256
"""Tables that are known, one for each list of names; that is, of versions. Those of the oldest are no longer shared."""


class ServerSettings(Mapping[str, SettingValue]):
    """Settings by name, in the order in which they were given. They do not change."""

    __slots__ = ("_common", "_own")

    def __init__(self, values: Mapping[str, SettingValue] | None = None) -> None:
        given = dict(values or {})
        self._common = _common_with(given)
        """All names, with the values of the server that was the first to have them."""
        self._own = {name: value for name, value in given.items() if self._common[name] is not value}
        """The values that are others."""

    @classmethod
    def read(cls, plain: Any) -> Self:
        """Those of a saved state. Raises msgspec.ValidationError."""
        values = msgspec.convert(plain, dict[str, SettingValue])
        interned_decode.share_settings(values)
        return cls(values)

    def plain(self) -> dict[str, SettingValue]:
        """All of them in one table, to be saved."""
        return {**self._common, **self._own}

    def __getitem__(self, name: str) -> SettingValue:
        """The value of a setting. Raises KeyError."""
        own = self._own.get(name)
        return own if own is not None else self._common[name]

    def __iter__(self) -> Iterator[str]:
        """Their names."""
        return iter(self._common)

    def __len__(self) -> int:
        """Their number."""
        return len(self._common)


def _common_with(given: dict[str, SettingValue]) -> dict[str, SettingValue]:
    """The table of all servers with these names: that of the first."""
    names = tuple(given)
    table = _tables.get(names)
    if table is None:
        if len(_tables) >= TABLES:
            del _tables[next(iter(_tables))]
        table = _tables[names] = given
    return table


_tables: dict[tuple[str, ...], dict[str, SettingValue]] = {}
NONE = ServerSettings()
"""Of a server whose settings were not read."""
