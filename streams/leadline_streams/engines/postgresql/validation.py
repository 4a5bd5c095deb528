"""Checks of a sample beyond its types, before any of it is remembered."""

import re
from collections.abc import Iterator
from functools import lru_cache
from string import hexdigits

from leadline.errors import BadRecord
from leadline.model.observation import Sample
from leadline.wire import INVALID
from leadline_streams.engines.postgresql.lsn import is_lsn

_KINDS = bytes(ord("0" if chr(byte) in hexdigits else chr(byte) if chr(byte) in " /" else "?") for byte in range(256))
"""Maps each byte of a text to the kind of its character: a digit, a separator, or neither."""
_SHAPE = re.compile(rb"(?: (?:0{1,8}/0{1,8})?)*")


def check_positions(sample: Sample) -> None:
    """Refuse texts that are not WAL positions, so that readers may rely on them. Raises BadRecord with the path."""
    it, upstream = sample.positions, sample.upstream
    texts, count = "", 0
    if it is not None:
        texts = f" {it.current_lsn or ''} {it.received_lsn or ''} {it.replayed_lsn or ''} {it.redo_lsn or ''}"
        count = 4
    if upstream is not None:
        texts += f" {upstream.latest_end_lsn or ''} {upstream.written_lsn or ''} {upstream.flushed_lsn or ''}"
        count += 3
    for row in sample.downstreams:
        texts += f" {row.sent_lsn or ''} {row.write_lsn or ''} {row.flush_lsn or ''} {row.replay_lsn or ''}"
        count += 4
    for slot in sample.slots:
        texts += f" {slot.restart_lsn or ''} {slot.confirmed_lsn or ''}"
        count += 2
    for subscription in sample.subscriptions:
        texts += f" {subscription.received_lsn or ''} {subscription.latest_end_lsn or ''} {subscription.skip_lsn or ''}"
        count += 3
    if _places(texts.encode("utf-8", "replace").translate(_KINDS)) != count:
        path, text = next(_wrong(sample))
        raise BadRecord(INVALID, f"not a WAL position: {text[:40]!r} - at `$.{path}`")


@lru_cache(maxsize=1024)
def _places(shape: bytes) -> int:
    """The number of positions in texts of this shape; -1 when one is not a position.

    Cached: the positions of a node change with each sample, the numbers of their digits hardly ever.
    """
    return shape.count(b" ") if _SHAPE.fullmatch(shape) else -1


def _wrong(sample: Sample) -> Iterator[tuple[str, str]]:
    """Path and text of each field that is not a position."""
    for group in ("positions", "upstream", "downstreams", "slots", "subscriptions"):
        value = getattr(sample, group)
        for place, it in enumerate(value) if isinstance(value, tuple) else [("", value)]:
            for field in it.__struct_fields__ if it is not None else ():
                text = getattr(it, field)
                if field.endswith("_lsn") and text is not None and not is_lsn(text):
                    yield f"{group}.{field}" if place == "" else f"{group}[{place}].{field}", text
