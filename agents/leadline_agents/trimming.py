"""Looks that are larger than readers or Kafka take: what says least is left out, and counted."""

from leadline.clock import Clock
from leadline.model.observation import Sample
from leadline.rows import EXTRAS, GROUPS, HEALTHY, MOST_ROWS, NamedRow, cut, names, urgency, without_extra
from leadline.wire import MAX_OBSERVATION_BYTES, encode

SHOWN_HEALTHY_S = 600.0
"""A row that showed a failure is sent for so long after that, so that readers see that it is over."""
CHOSEN_S = 30.0
"""Rows that are as urgent as others are chosen anew after this time: each change of rows is a whole sample."""
REFUSED_PART = 0.5
"""The part of a size that Kafka refused which looks have until it is tried again."""


class Trimmer:
    """The looks at one server, as they fit into a record."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lately: dict[NamedRow, float] = {}
        """When each row last showed a failure."""
        self._kept: set[NamedRow] = set()
        """The rows of the last look that was cut."""
        self._chosen_at = 0.0

    def fitted(self, sample: Sample, refused_bytes: int = 0) -> Sample:
        """The sample, or what says most of it. ``refused_bytes``: the smallest value that Kafka refused; 0 for none."""
        most = MAX_OBSERVATION_BYTES
        if refused_bytes:
            most = min(most, int(refused_bytes * REFUSED_PART))
        if len(encode(sample)) <= most and all(len(getattr(sample, group)) <= MOST_ROWS for group in GROUPS):
            self._lately, self._kept = {}, set()
            return sample
        for group in EXTRAS:
            if getattr(sample, group) is not None and len(encode(sample)) > most:
                sample = without_extra(sample, group)
        self._note(sample)
        room = dict.fromkeys(GROUPS, MOST_ROWS)
        found = cut(sample, room, self._lately, self._kept)
        while (size := len(encode(found))) > most and any(room.values()):
            room = _less(sample, room, most / size)
            found = cut(sample, room, self._lately, self._kept)
        self._kept = {name for name, _ in names(found)}
        return found

    def _note(self, sample: Sample) -> None:
        """Note the rows that show a failure now, and forget those that have not for long."""
        now = self._clock.monotonic()
        if now - self._chosen_at >= CHOSEN_S:
            self._kept, self._chosen_at = set(), now
        lately = {name: at for name, at in self._lately.items() if now - at <= SHOWN_HEALTHY_S}
        for name, row in names(sample):
            if urgency(row) < HEALTHY:
                lately[name] = now
        self._lately = lately


def _less(sample: Sample, room: dict[str, int], part: float) -> dict[str, int]:
    """Room for about this part of the bytes: the groups with the most rows lose most."""
    rows = {group: min(room[group], len(getattr(sample, group))) for group in GROUPS}
    left = int(sum(rows.values()) * part * 0.97)
    shares: dict[str, int] = {}
    for number, (group, count) in enumerate(sorted(rows.items(), key=lambda each: each[1])):
        shares[group] = min(count, left // (len(rows) - number))
        left -= shares[group]
    return shares
