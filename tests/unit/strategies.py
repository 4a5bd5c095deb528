"""Hypothesis strategies for every value, derived from the types themselves, so they never lag behind the model."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec.inspect as inspect
from hypothesis import strategies as st

INT64 = 2**63

hostile = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["\0", "\r\nce_id: forged", "\u202egnp.exe", "\x1b[2J", "'; DROP TABLE x; --", "$(reboot)", "é" * 200]
    ),
)
"""Text as a database may hold it. Lone surrogates are not Unicode; tests add them where they matter."""

finite = st.floats(allow_nan=False, allow_infinity=False)

moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
"""Times as the wire carries them: UTC, whole milliseconds."""


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a model class or a union of them."""
    return _strategy(inspect.type_info(kind))


@cache
def _struct(cls: type) -> st.SearchStrategy[Any]:
    info = inspect.type_info(cls)
    required = {field.name: _strategy(field.type) for field in info.fields if field.required}
    optional = {field.name: _strategy(field.type) for field in info.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda given: cls(**given))


def _strategy(info: Any) -> st.SearchStrategy[Any]:
    match info:
        case inspect.Metadata(type=inner):
            return _strategy(inner)
        case inspect.StructType(cls=cls):
            return _struct(cls)
        case inspect.UnionType(types=types):
            return st.one_of(*(_strategy(member) for member in types))
        case inspect.LiteralType(values=choices):
            return st.sampled_from(choices)
        case inspect.ListType(item_type=item, min_length=low):
            return st.lists(_strategy(item), min_size=low or 0, max_size=3)
        case inspect.VarTupleType(item_type=item):
            return st.lists(_strategy(item), max_size=3).map(tuple)
        case inspect.DictType(key_type=key, value_type=value, min_length=low):
            return st.dictionaries(_strategy(key), _strategy(value), min_size=low or 0, max_size=3)
        case inspect.StrType(pattern=pattern) if pattern is not None:
            return st.from_regex(pattern.replace("$", r"\Z"))
        case inspect.StrType(min_length=low, max_length=high):
            return hostile.map(lambda text: text.ljust(low or 0, "x")[:high])
        case inspect.IntType(ge=low, le=high):
            return st.integers(-INT64 if low is None else low, INT64 - 1 if high is None else high)
        case inspect.FloatType(ge=low, le=high) if low is not None and high is not None:
            return st.floats(low, high)
        case inspect.FloatType(gt=low):
            return finite if low is None else finite.filter(lambda value: value > low)
        case inspect.BoolType():
            return st.booleans()
        case inspect.DateTimeType():
            return moments
        case inspect.NoneType():
            return st.none()
    raise TypeError(f"the model has a kind of field that no strategy makes: {info}")
