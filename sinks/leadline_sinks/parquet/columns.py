"""The columns of a topic's files, made from the types of its values, and the values in their form.

Structures stay structures, so that SQL reads ``subject.node``; a map is a map; a value without a fixed type is JSON
text. Pure.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import orjson
import pyarrow as pa
from msgspec import UNSET, inspect

from leadline.wire import CODECS, Codec, timestamp

TIME: Final = pa.timestamp("ms", tz="UTC")
PLACE: Final = (
    pa.field("kafka_partition", pa.int32(), nullable=False),
    pa.field("kafka_offset", pa.int64(), nullable=False),
    pa.field("kafka_time", TIME, nullable=False),
    pa.field("kafka_key", pa.string()),
    pa.field("kafka_removed", pa.bool_(), nullable=False),
    pa.field("schema_version", pa.int16(), nullable=False),
    pa.field("unreadable", pa.string()),
)
"""The columns of every topic: the record's place, whether it removes its key, and its bytes where they are no value."""
SCHEMA_VERSION: Final = 1
"""Of the types of the wire: the ``v1`` of ``ce_type``. Readers distinguish files of two versions by it."""
AS_JSON: Final = ("samples",)
"""Topics whose values are in one column ``value`` as JSON: they depend on the engine and are too deep for columns."""

Convert = Callable[[Any], Any]


@cache
def schema_of(topic: str) -> Any:
    """The schema of a topic's files, without metadata."""
    if topic in AS_JSON:
        return pa.schema([*PLACE, pa.field("value", pa.string())])
    return pa.schema([*PLACE, *(pa.field(name, kind) for name, (kind, _) in fields_of(topic).items())])


@cache
def fields_of(topic: str) -> dict[str, tuple[Any, Convert]]:
    """The fields of a topic's values, each with its Arrow type and what makes a value of that type of a plain one.

    Where a topic has values of several kinds, all their fields; the field that names the kind is the first.
    """
    codec: Codec[Any] = CODECS[topic]
    info = inspect.type_info(codec.decoder.type)
    kinds = info.types if isinstance(info, inspect.UnionType) else (info,)
    found: dict[str, tuple[Any, Convert]] = {}
    for kind in kinds:
        assert isinstance(kind, inspect.StructType)
        if kind.tag_field is not None:
            found[kind.tag_field] = (pa.string(), _same)
        for field in kind.fields:
            new = _column(field.type)
            known = found.setdefault(field.encode_name, new)
            if known[0] != new[0]:
                found[field.encode_name] = (pa.string(), _json)
    return found


def _same(value: Any) -> Any:
    return value


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=_plain).decode("utf-8", "replace")


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return timestamp(value)
    raise TypeError(type(value).__name__)


def _column(info: inspect.Type) -> tuple[Any, Convert]:
    """An Arrow type, and what makes a value of it. None stays None everywhere."""
    match info:
        case inspect.Metadata(type=inner):
            return _column(inner)
        case inspect.UnionType(types=types):
            kinds = [kind for kind in types if not isinstance(kind, inspect.NoneType)]
            return _column(kinds[0]) if len(kinds) == 1 else (pa.string(), _json)
        case inspect.StrType() | inspect.LiteralType():
            return pa.string(), _same
        case inspect.BoolType():
            return pa.bool_(), _same
        case inspect.IntType():
            return pa.int64(), _same
        case inspect.FloatType():
            return pa.float64(), _number
        case inspect.DateTimeType():
            return TIME, _time
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            kind, convert = _column(item)
            return pa.list_(kind), lambda value: None if value is None else [convert(each) for each in value]
        case inspect.DictType(key_type=inspect.StrType(), value_type=item):
            kind, convert = _column(item)
            return pa.map_(
                pa.string(), kind
            ), lambda value: None if value is None else [(key, convert(each)) for key, each in value.items()]
        case inspect.StructType(fields=fields, tag_field=None):
            inside = {field.encode_name: _column(field.type) for field in fields}
            if not inside:
                return pa.string(), _json
            kind = pa.struct([pa.field(name, kind) for name, (kind, _) in inside.items()])
            return (
                kind,
                lambda value: (
                    None if value is None else {name: convert(value.get(name)) for name, (_, convert) in inside.items()}
                ),
            )
        case _:
            return pa.string(), _json


def _number(value: Any) -> float | None:
    return None if value is None or value is UNSET else float(value)


def _time(value: Any) -> datetime | None:
    return None if value is None else value.astimezone(UTC)
