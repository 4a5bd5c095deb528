"""What an observation must hold beyond its types before anything is remembered of it."""

from leadline.errors import BadRecord
from leadline.model.lsn import parse_lsn
from leadline.model.observation import Sample
from leadline.wire import INVALID


def check_positions(sample: Sample) -> None:
    """Refuse log positions that are none: whoever reads one later may rely on it. Raises BadRecord with its path."""
    path = "positions"
    try:
        positions = sample.positions
        if positions is not None:
            _all(positions.current_lsn, positions.received_lsn, positions.replayed_lsn)
            _all(positions.redo_lsn, None, None)
        upstream = sample.upstream
        if upstream is not None:
            path = "upstream"
            _all(upstream.latest_end_lsn, upstream.written_lsn, upstream.flushed_lsn)
        path = "downstreams"
        for row in sample.downstreams:
            _all(row.replay_lsn, row.flush_lsn, row.write_lsn)
            _all(row.sent_lsn, None, None)
        path = "slots"
        for slot in sample.slots:
            _all(slot.restart_lsn, slot.confirmed_lsn, None)
        path = "subscriptions"
        for subscription in sample.subscriptions:
            _all(subscription.received_lsn, subscription.latest_end_lsn, subscription.skip_lsn)
    except ValueError as error:
        raise BadRecord(INVALID, f"{error} - at `$.{path}`") from None


def _all(first: str | None, second: str | None, third: str | None) -> None:
    """Parse three; one equal to its neighbour, as in a stream that is caught up, is parsed once."""
    if first is not None:
        parse_lsn(first)
    if second is not None and second != first:
        parse_lsn(second)
    if third is not None and third != second:
        parse_lsn(third)
