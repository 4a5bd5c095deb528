"""Vitals as the bytes in which a node keeps its newest: those of their record, in a fifth of the memory."""

import msgspec

from leadline.model.finding import EngineVitals

MOST_BYTES = 1024
"""Longer records are not kept: much in them may be neither numbers nor known."""
pack = msgspec.json.Encoder().encode
"""Of vitals whose record is not at hand, or is long."""
unpack = msgspec.json.Decoder(EngineVitals).decode
