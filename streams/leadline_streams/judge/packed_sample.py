"""The sample that the vitals of a healthy node stand on, in a tenth of the memory that it takes as an object.

Kept are the fields that vitals lack. Samples are packed when their first vitals are judged, and unpacked where more is
to be known of a node than its vitals say: when something is wrong with it, or with its cluster, or to be saved.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from sys import intern
from types import GenericAlias
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct, defstruct
from msgspec.structs import fields

from leadline.model.activity import Activity, Session
from leadline.model.finding import EngineVitals
from leadline.model.host import Archiver, Cost
from leadline.model.node import Node
from leadline.model.observation import Conflicts, Sample
from leadline.model.replication import Downstream, Positions, Slot, Upstream

_Value = TypeVar("_Value", bound=Struct)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROWS: dict[str, type[Struct]] = {"downstreams": Downstream, "slots": Slot}
_PARTS: dict[str, type[Struct]] = {"positions": Positions, "upstream": Upstream, "archiver": Archiver, "cost": Cost}
_BESIDE = (
    *("node", "seq", "at", "sent_at", "conflicts", "activity", "subscriptions"),
    *(*EngineVitals.RARE, *_ROWS, *_PARTS),
)
"""Fields of a sample that vitals have, that are kept as objects, that are packed by their parts, or that no
packed one has."""


def _names(kind: type[Struct], without: Iterable[str] = ()) -> list[str]:
    """The fields of a part that are packed as they are."""
    left_out = {*EngineVitals.NUMBERS.get(kind, ()), *without}
    return [name for name in kind.__struct_fields__ if name not in left_out]


def _read(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that gives these fields of an object."""
    if len(names) > 1:
        return cast(Callable[[Any], tuple[Any, ...]], attrgetter(*names))
    return lambda value: tuple(getattr(value, name) for name in names)


def _form(kind: type[Struct], names: Sequence[str], *more: tuple[str, Any]) -> type[Struct]:
    """The type of a tuple of these fields, for the decoder, with more at its end."""
    types = {field.name: field.type for field in fields(kind)}
    return defstruct(kind.__name__, [*((name, types[name]) for name in names), *more], array_like=True, gc=False)


_OF_SAMPLE = _names(Sample, _BESIDE)
_OF_ACTIVITY = _names(Activity, ("oldest",))
_KINDS: tuple[type[Struct], ...] = (*_ROWS.values(), *_PARTS.values(), Session)
_OF = {kind: _names(kind) for kind in _KINDS}
_FORMS = {kind: _form(kind, names) for kind, names in _OF.items()}
_ACTIVITY = _form(Activity, _OF_ACTIVITY, ("oldest", GenericAlias(list, (_FORMS[Session],))))
_SAMPLE = _form(
    Sample,
    _OF_SAMPLE,
    *((name, GenericAlias(list, (_FORMS[kind],))) for name, kind in _ROWS.items()),
    *((name, _FORMS[kind] | None) for name, kind in _PARTS.items()),
    ("activity", _ACTIVITY | None),
)
_sample, _activity = _read(_OF_SAMPLE), _read(_OF_ACTIVITY)
_downstream, _slot = (_read(_OF[kind]) for kind in _ROWS.values())
_positions, _upstream, _archiver, _cost = (_read(_OF[kind]) for kind in _PARTS.values())
_session = _read(_OF[Session])
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_SAMPLE).decode
_shapes: dict[tuple[int, ...], tuple[int, ...]] = {}
MOST_SHAPES = 10_000


class PackedSample:
    """A sample without what vitals say, of a server without subscriptions."""

    subscriptions = ()
    __slots__ = ("_conflicts", "_data", "node", "seq", "shape", "startup_wait")

    def __init__(self, sample: Sample) -> None:
        self.node: Node = sample.node
        self.seq = sample.seq
        self.shape = _shared(EngineVitals.shape_of(sample))
        """That of vitals that fit it."""
        wait = sample.positions.startup_wait if sample.positions is not None else None
        self.startup_wait = intern(wait) if wait is not None else None
        """Of its positions."""
        self._conflicts: Conflicts = sample.conflicts
        self._data = _packed(sample)

    @staticmethod
    def of(sample: Sample) -> "Sample | PackedSample":
        """A sample packed; itself where it has subscriptions, of which much is asked at each look."""
        return sample if sample.subscriptions else PackedSample(sample)

    def __eq__(self, other: object) -> bool:
        """Whether both are of equal samples, but for what vitals say."""
        if not isinstance(other, PackedSample) or self.seq != other.seq or self.node != other.node:
            return False
        return self._data == other._data and self._conflicts == other._conflicts

    __hash__ = None  # type: ignore[assignment]  # conflicts have none

    def is_like(self, sample: Sample) -> bool:
        """Whether a sample differs from this one in no more than what vitals say, and in groups that are rare."""
        if self.node is not sample.node and self.node != sample.node:
            return False
        if self._conflicts is not sample.conflicts and self._conflicts != sample.conflicts:
            return False
        return not sample.subscriptions and self._data == _packed(sample)

    def unpack(self) -> Sample:
        """The sample, whose numbers are missing: vitals make a whole one of it."""
        form: Any = _decode(self._data)
        found = {name: getattr(form, name) for name in _OF_SAMPLE}
        for name, kind in _ROWS.items():
            found[name] = tuple(_made(kind, row) for row in getattr(form, name))
        for name, kind in _PARTS.items():
            part = getattr(form, name)
            found[name] = _made(kind, part) if part is not None else None
        if form.activity is not None:
            oldest = tuple(_made(Session, session) for session in form.activity.oldest)
            plain = {name: getattr(form.activity, name) for name in _OF_ACTIVITY}
            found["activity"] = Activity(**plain, oldest=oldest)
        return Sample(
            node=self.node, seq=self.seq, at=_EPOCH, sent_at=_EPOCH, conflicts=self._conflicts, **cast(Any, found)
        )


def _packed(sample: Sample) -> bytes:
    activity, positions, upstream = sample.activity, sample.positions, sample.upstream
    archiver, cost = sample.archiver, sample.cost
    return _encode(
        (
            *_sample(sample),
            [_downstream(row) for row in sample.downstreams],
            [_slot(row) for row in sample.slots],
            _positions(positions) if positions is not None else None,
            _upstream(upstream) if upstream is not None else None,
            _archiver(archiver) if archiver is not None else None,
            _cost(cost) if cost is not None else None,
            (*_activity(activity), [_session(each) for each in activity.oldest]) if activity is not None else None,
        )
    )


def _made(kind: type[_Value], form: Struct) -> _Value:
    return kind(**{name: getattr(form, name) for name in _OF[kind]})


def _shared(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(_shapes) >= MOST_SHAPES:
        _shapes.clear()
    return _shapes.setdefault(shape, shape)
