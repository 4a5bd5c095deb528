"""The hash of a column and of a row, as SQL that is the same on both servers. Pure.

A row's hash is the XOR of one hash per column, mixed once more; a digest is the sum of these and the number of rows.
Each column has a seed of its own, otherwise values that were swapped between two columns would cancel out. NULL is a
constant outside of the hash function. Without the outer mix, values that were swapped between two rows would.

Equal hashes mean equal values, not values that a type calls equal: 1.10 and 1.1, 0 and -0, '1 month' and '30 days'
differ. Only NaN has one hash, whichever bits it has: arithmetic on one server makes other bits than reading the text.
"""

from collections.abc import Sequence
from typing import Final

from leadline_verify.table_facts import Column

NEWEST_FUNCTIONS: Final = 18
"""The major version that brought hash functions of bytea and timestamptz to SQL."""

_DIRECT: Final = {
    "int2": "hashint2extended",
    "int4": "hashint4extended",
    "int8": "hashint8extended",
    "oid": "hashoidextended",
    "char": "hashcharextended",
    "uuid": "uuid_hash_extended",
    "time": "time_hash_extended",
    "timetz": "timetz_hash_extended",
    "timestamp": "timestamp_hash_extended",
}
_TEXTS: Final = ("text", "varchar", "bpchar", "name")
_FLOATS: Final = {"float4": "float4send", "float8": "float8send"}


def quoted(name: str) -> str:
    """An identifier, always in quotes."""
    return '"' + name.replace('"', '""') + '"'


def column_hash(
    column: Column,
    seed: int,
    major: int,
    *,
    one_encoding: bool = True,
    as_text: bool = False,
    same_bits: bool = False,
) -> str:
    """The hash of one column's value, NULL for NULL.

    ``major``: the version of the older server. ``one_encoding``: whether both databases have the same encoding.
    ``as_text``: the two sides have different types, whose texts are compared. ``same_bits``: one side is a copy of the
    other one's files, so that a NaN has the same bits, too.
    """
    name, base = quoted(column.name), column.base_type
    value = f"{name}::pg_catalog.{quoted(base)}" if column.is_domain and base else name
    newest = major >= NEWEST_FUNCTIONS
    if as_text or not base:
        return _of_text(f"{name}::text", seed, one_encoding)
    if direct := _DIRECT.get(base):
        return f"{direct}({value}, {seed})"
    if base == "bool":
        return f"hashint4extended(({value})::int, {seed})"
    if base == "timestamptz":
        if newest:
            return f"timestamptz_hash_extended({value}, {seed})"
        return f"timestamp_hash_extended(({value}) AT TIME ZONE 'UTC', {seed})"
    if base == "date":  # of infinity there is no difference
        number = f"hashint4extended(({value}) - date '2000-01-01', {seed})"
        return f"CASE WHEN isfinite({value}) THEN {number} ELSE {_of_text(f'({value})::text', seed, True)} END"
    if base == "bytea":
        if newest:
            return f"hashbyteaextended({value}, {seed})"
        return _of_text(f"encode(sha256({value}), 'hex')", seed, True)
    if base in _FLOATS and newest:
        plain = value if same_bits else f"CASE WHEN {value} = 'NaN' THEN 'NaN'::{base} ELSE {value} END"
        return f"hashbyteaextended({_FLOATS[base]}({plain}), {seed})"
    if base in _TEXTS:
        return _of_text(f"({value})::text", seed, one_encoding)
    return _of_text(f"{name}::text", seed, one_encoding)


def _of_text(text: str, seed: int, one_encoding: bool) -> str:
    """The collation is fixed: one that calls different texts equal has equal hashes for them."""
    if not one_encoding:
        text = f"encode(convert_to({text}, 'UTF8'), 'hex')"
    return f'hashtextextended({text} COLLATE "C", {seed})'


def row_hash(hashes: Sequence[str], seed: int) -> str:
    """The hash of a row from the hashes of its columns, of which the first has the seed ``seed + 1``."""
    terms = [f"coalesce({each}, {seed + 1000 + at})" for at, each in enumerate(hashes, 1)]
    return f"hashint8extended({' # '.join(terms) or seed + 1000}, {seed})"
