"""What an observation must hold beyond its types before anything is remembered of it."""

from leadline.errors import BadRecord
from leadline.model.lsn import parse_lsn
from leadline.model.observation import Sample
from leadline.wire import INVALID

_KEPT = 4096
_known: set[str | None] = {None}
"""Texts that were log positions: servers and their neighbours name the same ones many times a second."""


def check_positions(sample: Sample) -> None:
    """Refuse log positions that are none: whoever reads one later may rely on it. Raises BadRecord with its path."""
    known = _known.issuperset
    it = sample.positions
    if it is not None:
        texts = (it.current_lsn, it.received_lsn, it.replayed_lsn, it.redo_lsn)
        if not known(texts):
            _check("positions", texts)
    upstream = sample.upstream
    if upstream is not None:
        texts = (upstream.latest_end_lsn, upstream.written_lsn, upstream.flushed_lsn, None)
        if not known(texts):
            _check("upstream", texts)
    for row in sample.downstreams:
        texts = (row.replay_lsn, row.flush_lsn, row.write_lsn, row.sent_lsn)
        if not known(texts):
            _check("downstreams", texts)
    for slot in sample.slots:
        texts = (slot.restart_lsn, slot.confirmed_lsn, None, None)
        if not known(texts):
            _check("slots", texts)
    for told in sample.subscriptions:
        texts = (told.received_lsn, told.latest_end_lsn, told.skip_lsn, None)
        if not known(texts):
            _check("subscriptions", texts)


def _check(path: str, texts: tuple[str | None, ...]) -> None:
    if len(_known) > _KEPT:
        _known.clear()
        _known.add(None)
    for text in texts:
        if text not in _known:
            try:
                parse_lsn(text)
            except ValueError as error:
                raise BadRecord(INVALID, f"{error} - at `$.{path}`") from None
            _known.add(text)
