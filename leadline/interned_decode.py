"""Decoding observations, of which much is the same each time: a node's description, and what replay has cancelled.

A text that was decoded before is not decoded again, and every sample has the same object: a third of the bytes of a
fleet's samples need only be hashed, and the samples take a quarter less memory. Nobody may change these objects, as
nobody may any value.
"""

from functools import lru_cache
from typing import Any, cast

import msgspec
from msgspec import Raw
from msgspec.json import Decoder
from msgspec.structs import force_setattr

from leadline.model.finding import FindingReport, Observation
from leadline.model.observation import Conflicts, Node, NodeSettings, Sample, Tick

TEXTS = 65_536
"""Texts of each kind that are remembered, those used last: more nodes than one worker can take."""
MAX_TEXT_BYTES = 1024
"""Longer ones are decoded each time: nobody fills the memory. A node's has 300, the counts of each database 100."""

whole: Decoder[Observation] = Decoder(Observation)
"""The same without a memory; its errors name the path of the first wrong field."""
_unfinished = Decoder(Sample[Raw, Raw] | NodeSettings | Tick | FindingReport)  # type: ignore[type-var]  # decoded in two steps
_node = Decoder(Node)
_conflicts = Decoder(Conflicts)
_known_node = lru_cache(maxsize=TEXTS)(_node.decode)
_known_conflicts = lru_cache(maxsize=TEXTS)(_conflicts.decode)


def decode(data: bytes) -> Observation:
    """What ``whole.decode`` gives, or raises."""
    try:
        seen: Any = _unfinished.decode(data)
        if isinstance(seen, Sample):
            text = bytes(seen.node)
            force_setattr(seen, "node", (_known_node if len(text) <= MAX_TEXT_BYTES else _node.decode)(text))
            if seen.conflicts:
                text = bytes(seen.conflicts)
                known = _known_conflicts if len(text) <= MAX_TEXT_BYTES else _conflicts.decode
                force_setattr(seen, "conflicts", known(text))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return whole.decode(data)
    return cast(Observation, seen)
