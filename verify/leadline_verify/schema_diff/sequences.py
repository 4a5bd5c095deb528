"""Sequences of a subscriber that are not beyond the publisher's. Pure."""

from collections.abc import Iterator

from leadline.model.verification import SequenceDifference
from leadline_verify.schema_diff.definitions import Definitions, SequenceState, shown


def sequences_behind(both: Definitions) -> list[SequenceDifference]:
    """Those that a published column uses, or no column; not those that start again when they are used up."""
    return list(_behind(both))


def _behind(both: Definitions) -> Iterator[SequenceDifference]:
    for place, up in sorted(both.upstream.sequences.items()):
        down = both.downstream.sequences.get(place)
        if up.value is None or up.cycles or not _is_carried(both, up) or (down is not None and not down.readable):
            continue
        theirs = down.value if down is not None else None
        if theirs is not None and (theirs >= up.value if up.increment > 0 else theirs <= up.value):
            continue
        if down is None and not up.used_by:
            continue  # not a part of what is replicated
        use = next(iter(up.used_by), None)
        yield SequenceDifference(
            sequence=shown(place),
            upstream_value=up.value,
            downstream_value=theirs,
            increment=up.increment,
            used_by=f"{use.schema_name}.{use.table_name}.{use.column_name}" if use is not None else None,
        )


def _is_carried(both: Definitions, sequence: SequenceState) -> bool:
    return not sequence.used_by or any((use.schema_name, use.table_name) in both.published for use in sequence.used_by)
