"""PostgreSQL's vitals: the positions in the WAL, lags, ages and costs of one look.

Its parts name fields of parts of ``Sample``. Most positions have few digits, since they are counted back from ``end``.
Rows are those of the base, in its order. Groups that only some samples have, such as ``tables``, are in no sample that
vitals make.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import astuple, replace

from leadline.model.activity import Activity, Session
from leadline.model.host import Archiver, Cost
from leadline.model.lsn import format_lsn, parse_lsn
from leadline.model.observation import Sample
from leadline.model.pg_vital_parts import (
    MOST,
    ActivityVitals,
    ArchiverVitals,
    CostVitals,
    DecodingVitals,
    DownstreamVitals,
    PositionVitals,
    SessionVitals,
    SlotVitals,
    SubscriptionVitals,
    UpstreamVitals,
    WaitEvent,
)
from leadline.model.replication import Downstream, Positions, Slot, Subscription, Upstream
from leadline.model.vitals import LATEST_MS, Vitals, milliseconds, time_of

Part = TypeVar("Part", bound=Struct | None)
PartVitals = TypeVar("PartVitals", bound=Struct)


class PostgresqlVitals(Vitals, frozen=True, array_like=True, gc=False, tag="postgresql"):
    """The numbers of one look at a PostgreSQL server."""

    NUMBERS: ClassVar[dict[type[Struct], tuple[str, ...]]] = {
        Positions: PositionVitals.__struct_fields__,
        Upstream: UpstreamVitals.__struct_fields__,
        Downstream: DownstreamVitals.__struct_fields__,
        Slot: SlotVitals.__struct_fields__,
        Subscription: SubscriptionVitals.__struct_fields__,
        Activity: ActivityVitals.__struct_fields__,
        Session: SessionVitals.__struct_fields__,
        Archiver: ArchiverVitals.__struct_fields__,
        Cost: CostVitals.__struct_fields__,
    }
    """The fields of each part of a sample that vitals always have, whatever their base has there."""
    RARE: ClassVar = ("disk", "tables", "server_log", "refused", "publishes", "subscribes", "databases")
    """Groups of a sample for which they were read."""

    end: Annotated[int, Meta(ge=0, le=MOST)]
    """Position from which the others are counted back."""
    positions: PositionVitals | None
    upstream: UpstreamVitals | None
    downstreams: tuple[DownstreamVitals, ...]
    slots: tuple[SlotVitals, ...]
    decoding: tuple[DecodingVitals, ...]
    """One for each logical slot."""
    subscriptions: tuple[SubscriptionVitals, ...]
    activity: ActivityVitals | None
    oldest: tuple[SessionVitals, ...]
    archiver: ArchiverVitals | None
    cost: CostVitals | None
    waits: tuple[WaitEvent, ...] = ()

    @classmethod
    def of(cls, sample: Sample, base: Sample) -> Self | None:
        """The numbers of a sample; None where they cannot be sent.

        What changed besides is not compared: where they do not fit the base, or ``whole`` gives another sample, the
        sample is to be sent whole.
        """
        sent, waits, were = milliseconds(sample.sent_at), _waits(sample), _waits(base)
        end = _end(sample)
        if not 0 <= sent <= LATEST_MS or end > MOST or len(waits) != len(were):
            return None

        def one(kind: type[PartVitals], value: Struct | None) -> PartVitals | None:
            return None if value is None else each(kind, [value])[0]

        def each(kind: type[PartVitals], values: Sequence[Struct]) -> tuple[PartVitals, ...]:
            return tuple(kind(*[_number(getattr(v, f), end, sent) for f in kind.__struct_fields__]) for v in values)

        return cls(
            node=sample.node.name,
            boot=sample.node.boot,
            seq=sample.seq,
            base=base.seq,
            sent_ms=sent,
            at=sent - milliseconds(sample.at),
            end=end,
            positions=one(PositionVitals, sample.positions),
            upstream=one(UpstreamVitals, sample.upstream),
            downstreams=each(DownstreamVitals, sample.downstreams),
            slots=each(SlotVitals, sample.slots),
            decoding=each(DecodingVitals, [slot for slot in sample.slots if _decodes(slot)]),
            subscriptions=each(SubscriptionVitals, sample.subscriptions),
            activity=one(ActivityVitals, sample.activity),
            oldest=each(SessionVitals, sample.activity.oldest if sample.activity is not None else ()),
            archiver=one(ArchiverVitals, sample.archiver),
            cost=one(CostVitals, sample.cost),
            waits=tuple(WaitEvent(place, event) for place, event in enumerate(waits) if event != were[place]),
        )

    @property
    def position(self) -> str | None:
        """The end of a primary's WAL, or of what a standby has replayed; None when neither is known."""
        positions = self.positions
        back = positions.current_lsn if positions is not None else None
        if back is None and positions is not None:
            back = positions.replayed_lsn
        return format_lsn(max(0, self.end - back)) if back is not None else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The groups and rows that these are the numbers of, to be compared with those of a sample."""
        return (
            len(self.downstreams),
            len(self.slots),
            len(self.subscriptions),
            self.positions is None,
            self.upstream is None,
            self.activity is None,
            len(self.oldest),
            self.archiver is None,
            self.cost is None,
        )

    @staticmethod
    def shape_of(base: Sample) -> tuple[int, ...]:
        """The shape of vitals that fit a sample."""
        activity = base.activity
        return (
            len(base.downstreams),
            len(base.slots),
            len(base.subscriptions),
            base.positions is None,
            base.upstream is None,
            activity is None,
            0 if activity is None else len(activity.oldest),
            base.archiver is None,
            base.cost is None,
        )

    def fits(self, base: Sample) -> bool:
        """Whether a sample has the groups and rows that these are the numbers of."""
        return self.shape == self.shape_of(base)

    def whole(self, base: Sample) -> Sample:
        """The sample that the agent made. ``base``, which they fit, is the one that they stand on, or one that was
        made of it and others that stand on it."""
        waits = {wait.place: wait.event for wait in self.waits}
        positions, activity = self._part(base.positions, self.positions), self._part(base.activity, self.activity)
        if positions is not None and 0 in waits:
            positions = replace(positions, startup_wait=waits[0])
        if activity is not None and activity.oldest:
            activity = replace(activity, oldest=self._parts(activity.oldest, self.oldest))
        slots = self._parts(base.slots, self.slots)
        if self.decoding:
            decoding = iter(self.decoding)
            slots = tuple(self._part(slot, next(decoding, None)) if _decodes(slot) else slot for slot in slots)
        downstreams = self._parts(base.downstreams, self.downstreams)
        if waits:
            downstreams = tuple(
                replace(row, wait=waits[place]) if place in waits else row for place, row in enumerate(downstreams, 1)
            )
        return replace(
            base,
            seq=self.seq,
            sent_at=self.sent_at,
            at=time_of(self.sent_ms - self.at),
            positions=positions,
            upstream=self._part(base.upstream, self.upstream),
            downstreams=downstreams,
            slots=slots,
            subscriptions=self._parts(base.subscriptions, self.subscriptions),
            activity=activity,
            archiver=self._part(base.archiver, self.archiver),
            cost=self._part(base.cost, self.cost),
            **dict.fromkeys(self.RARE),
        )

    def _parts(self, base: tuple[Part, ...], numbers: Sequence[Struct]) -> tuple[Part, ...]:
        return tuple(map(self._part, base, numbers)) if base else base

    def _part(self, base: Part, numbers: Struct | None) -> Part:
        """A part of the base with its numbers of this look."""
        if base is None or numbers is None:
            return base
        found: dict[str, Any] = dict(zip(numbers.__struct_fields__, astuple(numbers), strict=True))
        for field in _POSITIONS[type(numbers)]:
            if (back := found[field]) is not None:
                found[field] = format_lsn(max(0, self.end - back))
        for field in _TIMES[type(numbers)]:
            if found[field] is not None:
                found[field] = time_of(self.sent_ms - found[field])
        return replace(base, **found)


def _number(value: Any, end: int, sent: int) -> Any:
    """The value of a field as it is sent."""
    if isinstance(value, str):
        return end - parse_lsn(value)
    return value if value is None or isinstance(value, int | float) else sent - milliseconds(value)


def _named(suffix: str) -> dict[type, list[str]]:
    """Fields of each part whose names end with this."""
    return {kind: [field for field in kind.__struct_fields__ if field.endswith(suffix)] for kind in _PARTS}


_PARTS: tuple[type[Struct], ...] = (
    *(PositionVitals, UpstreamVitals, DownstreamVitals, SlotVitals, DecodingVitals, SubscriptionVitals),
    *(ActivityVitals, SessionVitals, ArchiverVitals, CostVitals),
)
_POSITIONS, _TIMES = _named("_lsn"), _named("_at")


def _decodes(slot: Slot) -> bool:
    return slot.kind == "logical"


def _end(sample: Sample) -> int:
    """The end of the WAL that the server has; 0 where it reports none."""
    at = sample.positions
    text = (at.current_lsn or at.received_lsn or at.replayed_lsn) if at is not None else None
    return parse_lsn(text) if text is not None else 0


def _waits(sample: Sample) -> list[str | None]:
    """The wait events of the startup process and of the senders, by their places in ``WaitEvent``."""
    startup = sample.positions.startup_wait if sample.positions is not None else None
    return [startup, *(row.wait for row in sample.downstreams)]
