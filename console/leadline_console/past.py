"""The past of a topic that a console reads when it starts. Pure."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def shares(there: Mapping[Key, int], most: int) -> dict[Key, int]:
    """Of the records that each partition has, how many are read so that they are no more than ``most`` together.

    What small partitions do not need is for the large ones: a few clusters fill a few partitions.
    """
    given, left = {}, most
    for number, (key, count) in enumerate(sorted(there.items(), key=lambda each: each[1])):
        given[key] = min(count, left // (len(there) - number))
        left -= given[key]
    return given
