"""How fast the log that a slot keeps grows: what a forecast is drawn from."""

import msgspec

from leadline.model.observation import Slot

HELD_BYTES = 64 * 2**20
"""Four segments of the default size. A slot that keeps less, and less than it still may, keeps up."""
SPAN_S = 15.0
"""A logical slot lets go of log about this often: at each snapshot that the background writer logs."""


class Held(msgspec.Struct):
    """Log kept for one slot, and its trend over the last 15 to 30 seconds."""

    at: float
    count: int
    """Bytes kept at ``at``."""
    growth: float | None = None
    """Bytes per second; None until there are two readings far enough apart."""
    decoded: int = 0
    """``decoded`` when the slot began to keep much."""

    def feed(self, now: float, count: int) -> None:
        """Take what is kept now."""
        elapsed = now - self.at
        if elapsed >= SPAN_S:
            self.growth = (count - self.count) / elapsed if elapsed < 4 * SPAN_S else None
            self.at, self.count = now, count


def holds_much(slot: Slot) -> bool:
    """Whether a slot keeps so much log that it matters how fast that grows."""
    retained, left = slot.retained_bytes, slot.safe_wal_bytes
    return retained is not None and (retained > HELD_BYTES or (left is not None and retained > left))


def decoded(slot: Slot) -> int:
    """Bytes of transactions too large for ``logical_decoding_work_mem``, spilled to disk or streamed, ever."""
    return (slot.spill_bytes or 0) + (slot.stream_bytes or 0)


def follow(held: dict[str, Held], slots: list[Slot], now: float) -> dict[str, Held]:
    """The slots that keep much log, by name, each with its trend."""
    kept = {}
    for slot in slots:
        if slot.retained_bytes is not None and holds_much(slot):
            it = kept[slot.name] = held.get(slot.name) or Held(now, slot.retained_bytes, decoded=decoded(slot))
            it.feed(now, slot.retained_bytes)
    return kept
