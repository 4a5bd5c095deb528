"""What an observation must hold beyond its types before anything is remembered of it."""

from collections.abc import Iterator
from typing import Any

from leadline.errors import BadRecord
from leadline.model.lsn import is_lsn
from leadline.model.observation import Sample
from leadline.wire import INVALID


def check_positions(sample: Sample) -> None:
    """Refuse log positions that are none: whoever reads one later may rely on it. Raises BadRecord with its path."""
    texts: list[str | None] = []
    it, upstream = sample.positions, sample.upstream
    if it is not None:
        texts += it.current_lsn, it.received_lsn, it.replayed_lsn, it.redo_lsn
    if upstream is not None:
        texts += upstream.latest_end_lsn, upstream.written_lsn, upstream.flushed_lsn
    for row in sample.downstreams:
        texts += row.sent_lsn, row.write_lsn, row.flush_lsn, row.replay_lsn
    for slot in sample.slots:
        texts += slot.restart_lsn, slot.confirmed_lsn
    for told in sample.subscriptions:
        texts += told.received_lsn, told.latest_end_lsn, told.skip_lsn
    named: set[Any] = set(texts)  # columns name the same position again and again
    named.discard(None)
    if not all(map(is_lsn, named)):
        path, text = next(_wrong(sample))
        raise BadRecord(INVALID, f"not a log position: {text[:40]!r} - at `$.{path}`")


def _wrong(sample: Sample) -> Iterator[tuple[str, str]]:
    """Path and text of each position that is none."""
    for group in ("positions", "upstream", "downstreams", "slots", "subscriptions"):
        value = getattr(sample, group)
        for place, it in enumerate(value) if isinstance(value, list) else [("", value)]:
            for field in it.__struct_fields__ if it is not None else ():
                text = getattr(it, field)
                if field.endswith("_lsn") and text is not None and not is_lsn(text):
                    yield f"{group}.{field}" if place == "" else f"{group}[{place}].{field}", text
