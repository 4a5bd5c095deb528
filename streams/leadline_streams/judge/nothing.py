"""An empty table that stands in a field until something is put there: one for all, since each takes 64 bytes."""

from collections.abc import Mapping
from typing import Any


class _Nothing(dict[str, Any]):
    """A table without anything in it."""

    __slots__ = ()


NOTHING: Mapping[str, Any] = _Nothing()
"""Nobody writes into it: whoever has something to put there makes a table of his own."""
