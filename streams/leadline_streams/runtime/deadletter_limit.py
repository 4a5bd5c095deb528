"""The limit of records that cannot be used, beyond which a worker stops."""

from collections import deque
from collections.abc import Sequence

from leadline.deadletters import Rejected
from leadline.errors import ProblemFound

WINDOW = 1000
"""The share of bad records is taken over this many."""


class Limit:
    """Bad records of a partition in a row, and among the last thousand read, that may go to the dead letters."""

    def __init__(self, max_consecutive: int, max_ratio: float) -> None:
        self._max_consecutive = max_consecutive
        self._max_ratio = max_ratio
        self._read = 0
        self._bad: deque[int] = deque()
        """Whether each record read was bad, as far back as the window."""
        self._rows: dict[int, tuple[int, int]] = {}
        """By partition: the offset that would continue a run of bad records, and the run's length."""

    def note(self, first: int, read: int, rejected: Sequence[Rejected]) -> None:
        """Count so many records of one partition, from an offset on, and those rejected of them.

        Raises ProblemFound when the limit is exceeded.
        """
        before = self._read - first
        for bad in rejected:
            offset = bad.record.offset
            follows, length = self._rows.get(bad.record.partition, (offset, 0))
            length = length + 1 if follows == offset else 1
            self._rows[bad.record.partition] = offset + 1, length
            self._bad.append(before + offset)
            while self._bad[0] <= before + offset - WINDOW:
                self._bad.popleft()
            if length > self._max_consecutive:
                raise self._too_many(bad, f"more than {self._max_consecutive} records in a row")
            if len(self._bad) > self._max_ratio * WINDOW:
                raise self._too_many(bad, f"more than {self._max_ratio:.1%} of the last {WINDOW} records")
        self._read += read

    def _too_many(self, last: Rejected, how_many: str) -> ProblemFound:
        record = last.record
        return ProblemFound(
            f"{how_many} cannot be used, the last at {record.topic}[{record.partition}] offset {record.offset} "
            f"({last.reason}: {last.detail[:200]!a}); stop whoever writes them, "
            "or raise deadletters.max_consecutive and deadletters.max_ratio to set them all aside"
        )
