"""The limits of records that cannot be used: of one producer, beyond which it is reported, and of all, beyond which a
worker stops.

What somebody writes stops nobody else: a worker stops only while it has no cluster and can use nothing that it reads.
"""

import logging
from collections import deque
from collections.abc import Collection, Sequence

from leadline.deadletters import Rejected
from leadline.errors import ProblemFound
from leadline.wire import UNSIGNED

WINDOW = 1000
"""The share of bad records is taken over this many."""
MOST_KEYS = 10_000
"""So many keys are counted apart."""

Producer = tuple[bool, bytes | None]
"""Whether it writes without the key of the cluster, where that is required; and the key of its records."""

log = logging.getLogger(__name__)


class Limit:
    """Bad records in a row, and among the last thousand read, by key."""

    def __init__(self, max_consecutive: int, max_ratio: float) -> None:
        self._max_consecutive = max_consecutive
        self._max_ratio = max_ratio
        self._read = 0
        self._bad: deque[tuple[int, Producer]] = deque()
        """Which record was bad, and whose, as far back as the window."""
        self._shares: dict[Producer, int] = {}
        """The number of these by producer."""
        self._rows: dict[Producer, int] = {}
        """Bad records of a producer since one of it could be used."""
        self._reported: set[Producer] = set()
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
            self._rows.pop((False, key), None)
        if used or watches:
            self._idle.clear()
        before = self._read - first
        for bad in rejected:
            record = bad.record
            if record.offset < self._next.get(record.partition, 0):
                continue
            self._next[record.partition] = record.offset + 1
            # Whoever writes without the key of a cluster is not its producer, and must not stop the worker.
            unsigned = bad.reason == UNSIGNED
            who = (unsigned, record.key)
            self._count(before + record.offset, who)
            self._report(bad, who)
            if used or watches or unsigned:
                continue
            self._idle[record.partition] = self._idle.get(record.partition, 0) + 1
            if self._idle[record.partition] > self._max_consecutive:
                raise ProblemFound(
                    f"{self._too_many(bad, f'more than {self._max_consecutive} records in a row')}, "
                    "and no other record can be used either; stop whoever writes them, or raise "
                    "deadletters.max_consecutive to set them all aside"
                )
        self._read += read

    def _count(self, place: int, who: Producer) -> None:
        if len(self._rows) >= MOST_KEYS:
            self._rows.clear()
        self._rows[who] = self._rows.get(who, 0) + 1
        self._bad.append((place, who))
        self._shares[who] = self._shares.get(who, 0) + 1
        while self._bad[0][0] <= place - WINDOW:
            _, old = self._bad.popleft()
            self._shares[old] -= 1
            if not self._shares[old]:
                del self._shares[old]
                self._reported.discard(old)

    def _report(self, bad: Rejected, who: Producer) -> None:
        """Report a producer that exceeds its limits, once."""
        if who in self._reported:
            return
        if self._rows[who] > self._max_consecutive:
            how_many = f"more than {self._max_consecutive} records in a row"
        elif self._shares[who] > self._max_ratio * WINDOW:
            how_many = f"more than {self._max_ratio:.1%} of the last {WINDOW} records"
        else:
            return
        self._reported.add(who)
        log.error("%s; other clusters are judged on; stop whoever writes them", self._too_many(bad, how_many))

    @staticmethod
    def _too_many(last: Rejected, how_many: str) -> str:
        record = last.record
        whose = f"of key {record.key!r:.100}" if record.key is not None else "without a key"
        return (
            f"{how_many}, {whose}, cannot be used, the last at {record.topic}[{record.partition}] offset "
            f"{record.offset} ({last.reason}: {last.detail[:200]!a})"
        )
