"""PostgreSQL log sequence numbers: ``X/Y`` on the wire, whole numbers of bytes inside."""

from typing import Annotated

from msgspec import Meta

Lsn = Annotated[str, Meta(max_length=17, description="Log position, `X/Y` in hexadecimal", examples=["0/5000148"])]


def parse_lsn(text: str) -> int:
    """Bytes from the start of the log. Raises ValueError for anything that is not ``X/Y`` in hexadecimal."""
    high, slash, low = text.partition("/")
    if not slash or len(high) > 8 or len(low) > 8:
        raise ValueError(f"not a log position: {text[:40]!r}")
    return int(high, 16) << 32 | int(low, 16)


def format_lsn(position: int) -> str:
    """The text PostgreSQL prints for a position."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
