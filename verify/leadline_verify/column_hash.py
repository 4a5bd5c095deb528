"""The hash of a column and of a row, as SQL that is the same on both servers. Pure.

A row's hash is the XOR of one hash per column, mixed once more; a digest is the sum of these and the number of rows.
Each column has a seed of its own, otherwise values that were swapped between two columns would cancel out. NULL is a
constant outside of the hash function. Without the outer mix, values that were swapped between two rows would.

Equal hashes mean equal values, not values that a type calls equal: 1.10 and 1.1, 0 and -0, '1 month' and '30 days'
differ. Only NaN has one hash, whichever bits it has: arithmetic on one server makes other bits than reading the text.

PostgreSQL's ``hashint8extended`` folds its argument into 32 bits, so that it agrees with ``hashint4extended``: -1 and
4294967295 have one hash, and 1 and 4294967296 (``hashint8`` in src/backend/access/hash/hashfunc.c). The hash functions
of timestamp, timestamptz, time and timetz call it. None of them is used. The second argument of ``hashint4extended``,
its seed, is taken in full: 64 bits are hashed by giving them there.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from leadline_verify.table_facts import Column

NEWEST_FUNCTIONS: Final = 18
"""The major version that brought a hash function of bytea to SQL."""
SMALL: Final = 1 << 31
"""Seeds below are integers."""

_DIRECT: Final = {
    "int2": "hashint2extended",
    "int4": "hashint4extended",
    "oid": "hashoidextended",
    "char": "hashcharextended",
    "uuid": "uuid_hash_extended",
}
_TEXTS: Final = ("text", "varchar", "bpchar", "name")
_SENT: Final = {
    "time": "time_send",
    "timetz": "timetz_send",
    "timestamp": "timestamp_send",
    "timestamptz": "timestamptz_send",
}
"""Their binary forms, which hold all of their bits."""
_FLOATS: Final = {"float4": "hashfloat4extended", "float8": "hashfloat8extended"}
"""All NaN have one hash, and so have 0 and -0."""


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
) -> str:
    """The hash of one column's value, NULL for NULL.

    ``major``: the version of the older server. ``one_encoding``: whether both databases have the same encoding.
    ``as_text``: the two sides have different types, whose texts are compared.
    """
    name, base = quoted(column.name), column.base_type
    value = f"{name}::pg_catalog.{quoted(base)}" if column.is_domain and base else name
    newest = major >= NEWEST_FUNCTIONS
    if as_text or not base:
        return _of_text(f"{name}::text", seed, one_encoding)
    if direct := _DIRECT.get(base):
        return f"{direct}({value}, {seed})"
    if base == "int8":
        return _of_bits(value, seed)
    if base == "bool":
        return f"CASE WHEN {value} THEN {_constant(seed, 'true')} WHEN NOT {value} THEN {_constant(seed, 'false')} END"
    if send := _SENT.get(base):
        if newest:
            return f"hashbyteaextended({send}({value}), {seed})"
        return _of_text(f"encode({send}({value}), 'hex')", seed, True)
    if base == "date":  # of infinity there is no difference
        number = f"hashint4extended(({value}) - date '2000-01-01', {seed})"
        return f"CASE WHEN isfinite({value}) THEN {number} ELSE {_of_text(f'({value})::text', seed, True)} END"
    if base == "bytea":
        if newest:
            return f"hashbyteaextended({value}, {seed})"
        return _of_text(f"encode(sha256({value}), 'hex')", seed, True)
    if plain := _FLOATS.get(base):
        return f"CASE WHEN {value} = 0 THEN {_of_text(f'{value}::text', seed, True)} ELSE {plain}({value}, {seed}) END"
    if base in _TEXTS:
        return _of_text(f"({value})::text", seed, one_encoding)
    return _of_text(f"{name}::text", seed, one_encoding)


def _of_text(text: str, seed: int, one_encoding: bool) -> str:
    """The collation is fixed: one that calls different texts equal has equal hashes for them."""
    if not one_encoding:
        text = f"encode(convert_to({text}, 'UTF8'), 'hex')"
    return f'hashtextextended({text} COLLATE "C", {seed})'


def _of_bits(bits: str, seed: int) -> str:
    """The hash of all 64 bits of a bigint."""
    return (
        f"hashint4extended({seed}, {bits})" if seed < SMALL else f"hashint4extended({seed % SMALL}, ({bits}) # {seed})"
    )


def _constant(seed: int, value: str) -> str:
    """The hash of a value that is known here."""
    number = int.from_bytes(sha256(f"{seed} {value}".encode()).digest()[:8], signed=True)
    return f"'{number}'::bigint"


def row_hash(hashes: Sequence[str], seed: int, key: tuple[int, str] | None = None) -> str:
    """The hash of a row from the hashes of its columns, of which the first has the seed ``seed + 1``.

    ``key``: the place of a column in them and its name, where it is the only one of the key and a bigint on both sides.
    It is taken as it is: one number that is not hashed before the mix cannot cancel out with another.
    """
    terms = [f"coalesce({each}, {seed + 1000 + at})" for at, each in enumerate(hashes, 1)]
    if key is not None:
        place, name = key
        terms[place] = f"coalesce({quoted(name)}, {_constant(seed, 'NULL')})"
    return _of_bits(" # ".join(terms) or f"{seed + 1000}::bigint", seed)
