"""PostgreSQL's log sequence numbers (LSN): ``X/Y`` in values on the wire, whole numbers of bytes inside."""

import re
from typing import Annotated

from msgspec import Meta

Lsn = Annotated[
    str, Meta(min_length=3, max_length=17, description="WAL position, `X/Y` in hexadecimal", examples=["0/5000148"])
]

is_lsn = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}").fullmatch
"""Whether a text is ``X/Y`` in hexadecimal."""


def parse_lsn(text: str) -> int:
    """Bytes from the start of the WAL, of a text that ``is_lsn``."""
    high, _, low = text.partition("/")
    return int(high, 16) << 32 | int(low, 16)


def format_lsn(position: int) -> str:
    """The text PostgreSQL prints for a position."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
