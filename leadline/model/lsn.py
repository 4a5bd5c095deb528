"""The text form of WAL positions on the wire."""

from typing import Annotated

from msgspec import Meta

Lsn = Annotated[
    str, Meta(min_length=3, max_length=17, description="WAL position, `X/Y` in hexadecimal", examples=["0/5000148"])
]
