"""The limits of records that cannot be used: of one producer, beyond which it is reported, and of all, beyond which a
worker stops.

What somebody writes stops nobody else: a worker stops only while it has no cluster and can use nothing that it reads.
"""

import logging
from collections import deque
from collections.abc import Collection, Sequence

from leadline.deadletters import Rejected
from leadline.errors import ProblemFound

WINDOW = 1000
"""The share of bad records is taken over this many."""
MOST_KEYS = 10_000
"""So many keys are counted apart."""

log = logging.getLogger(__name__)


class Limit:
    """Bad records in a row, and among the last thousand read, by key."""

    def __init__(self, max_consecutive: int, max_ratio: float) -> None:
        self._max_consecutive = max_consecutive
        self._max_ratio = max_ratio
        self._read = 0
        self._bad: deque[tuple[int, bytes | None]] = deque()
        """Which record was bad, and its key, as far back as the window."""
        self._shares: dict[bytes | None, int] = {}
        """The number of these by key."""
        self._rows: dict[bytes | None, int] = {}
        """Bad records of a key since one of it could be used."""
        self._reported: set[bytes | None] = set()
        self._idle: dict[int, int] = {}
        """By partition, bad records since any of the worker's could be used."""
        self._next: dict[int, int] = {}
        """By partition: what is below was counted, and may be read again after a rebalance."""

    def note(
        self,
        first: int,
        read: int,
        rejected: Sequence[Rejected],
        used: Collection[bytes],
        *,
        watches: bool = False,
    ) -> None:
        """Count so many records of one partition, from an offset on, those rejected of them, and the keys of others.

        ``watches``: the worker has clusters, whose silence it judges whatever else it reads. Raises ProblemFound when
        it has none, and nothing can be used.
        """
        for key in used:
            self._rows.pop(key, None)
        if used or watches:
            self._idle.clear()
        before = self._read - first
        for bad in rejected:
            record = bad.record
            if record.offset < self._next.get(record.partition, 0):
                continue
            self._next[record.partition] = record.offset + 1
            self._count(before + record.offset, record.key)
            self._report(bad)
            if used or watches:
                continue
            self._idle[record.partition] = self._idle.get(record.partition, 0) + 1
            if self._idle[record.partition] > self._max_consecutive:
                raise ProblemFound(
                    f"{self._too_many(bad, f'more than {self._max_consecutive} records in a row')}, "
                    "and no other record can be used either; stop whoever writes them, or raise "
                    "deadletters.max_consecutive to set them all aside"
                )
        self._read += read

    def _count(self, place: int, key: bytes | None) -> None:
        if len(self._rows) >= MOST_KEYS:
            self._rows.clear()
        self._rows[key] = self._rows.get(key, 0) + 1
        self._bad.append((place, key))
        self._shares[key] = self._shares.get(key, 0) + 1
        while self._bad[0][0] <= place - WINDOW:
            _, old = self._bad.popleft()
            self._shares[old] -= 1
            if not self._shares[old]:
                del self._shares[old]
                self._reported.discard(old)

    def _report(self, bad: Rejected) -> None:
        """Report a key that exceeds its limits, once."""
        key = bad.record.key
        if key in self._reported:
            return
        if self._rows[key] > self._max_consecutive:
            how_many = f"more than {self._max_consecutive} records in a row"
        elif self._shares[key] > self._max_ratio * WINDOW:
            how_many = f"more than {self._max_ratio:.1%} of the last {WINDOW} records"
        else:
            return
        self._reported.add(key)
        log.error("%s; other clusters are judged on; stop whoever writes them", self._too_many(bad, how_many))

    @staticmethod
    def _too_many(last: Rejected, how_many: str) -> str:
        record = last.record
        whose = f"of key {record.key!r:.100}" if record.key is not None else "without a key"
        return (
            f"{how_many}, {whose}, cannot be used, the last at {record.topic}[{record.partition}] offset "
            f"{record.offset} ({last.reason}: {last.detail[:200]!a})"
        )
