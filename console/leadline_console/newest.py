"""A dictionary that forgets its oldest entries. Pure."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, ValuesView
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Newest(Generic[K, V]):
    """The newest value of each key, for at most ``most`` keys: those that were written longest ago are forgotten."""

    __slots__ = ("_most", "_values", "left_out")

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        self.left_out = 0
        """Keys that were forgotten for want of room."""

    def put(self, key: K, value: V) -> None:
        """Keep a value in place of an earlier one."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)
            self.left_out += 1

    def get(self, key: K) -> V | None:
        """The value of a key; None without one."""
        return self._values.get(key)

    def remove(self, key: K) -> None:
        """Forget a key, if it is there."""
        self._values.pop(key, None)

    def values(self) -> ValuesView[V]:
        """Every value, the one that was written longest ago first."""
        return self._values.values()

    def __iter__(self) -> Iterator[K]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values
