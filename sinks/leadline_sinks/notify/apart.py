"""Work about one thing whose defect, or extreme values, leave the others alone."""

import logging
from collections.abc import Callable
from typing import Final, TypeVar

from leadline import metrics
from leadline.errors import BadRecord
from leadline.logs import escape
from leadline.wire import UNPROCESSABLE

DEFECTS: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Raised by a defect, or for a value that cannot be written: one incident must not stop the others. Whatever else is
raised, such as that Kafka takes no record, is no matter of one incident."""
MOST_NAMED: Final = 10_000
"""Things that are remembered, so that each is logged once."""

T = TypeVar("T")
log = logging.getLogger(__name__)


def taken(take: Callable[[], object]) -> None:
    """Take a value of a record. Raises BadRecord where that cannot be done, although the record can be decoded."""
    try:
        take()
    except DEFECTS as error:
        log.error("a record can be decoded, and cannot be used", exc_info=error)
        raise BadRecord(UNPROCESSABLE, f"{type(error).__name__}: {escape(str(error))}") from None


class Apart:
    """Makes one thing after the other of what the topics say."""

    def __init__(self, topic: str) -> None:
        """``topic`` is counted for what cannot be made."""
        self._topic = topic
        self._reported: dict[str, None] = {}

    def made(self, name: str, make: Callable[[], T]) -> T | None:
        """The result of ``make``; None where it cannot be made, which is logged and counted once for each name."""
        try:
            return make()
        except DEFECTS as error:
            if name not in self._reported:
                log.error("%s cannot be handled and is left out", escape(name), exc_info=error)
                metrics.SINK_BAD_RECORDS.labels(self._topic, UNPROCESSABLE).inc()
            self._reported[name] = None
            if len(self._reported) > MOST_NAMED:
                del self._reported[next(iter(self._reported))]
            return None
