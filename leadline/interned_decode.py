"""Observations in which what repeats is one object: a node's description, counts of conflicts, values of settings.

A text that was decoded before is looked up instead of decoded. In a healthy fleet this is a third of the bytes, and the
samples take a quarter less memory; settings, which are the same on most servers, take a fifth. The objects are shared,
so nobody may change them, as with all values.

Each node has a description of its own: it is known as long as anybody has it, however many nodes there are. Counts and
settings are the same on many servers, and a number of them is known.
"""

from functools import lru_cache
from sys import intern
from typing import Any, cast
from weakref import WeakValueDictionary

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import force_setattr

from leadline.model.audit_look import AuditLook
from leadline.model.finding import Described, FindingReport
from leadline.model.observation import Conflicts, Node, NodeSettings, Sample, SettingValue, Tick
from leadline.model.retirement import Retirement

TEXTS = 65_536
"""Counts, and values of settings, that are kept, by last use."""
MAX_TEXT_BYTES = 1024
"""Longer texts are decoded each time, which bounds the memory. A node's has 300, the counts of a database 100."""

whole: Decoder[Described] = Decoder(Described)
"""The same without shared objects. Its errors name the path of the first wrong field."""
_unfinished = Decoder(Sample[Raw, Raw] | NodeSettings | Tick | FindingReport | Retirement | AuditLook)  # type: ignore[type-var]  # in two steps
_node = Decoder(Node)
_conflicts = Decoder(Conflicts)
_nodes: WeakValueDictionary[bytes, Node] = WeakValueDictionary()
"""By their texts."""
_known_conflicts = lru_cache(maxsize=TEXTS)(_conflicts.decode)


@lru_cache(maxsize=TEXTS)
def _known_value(value: SettingValue) -> SettingValue:
    return value


def decode(data: bytes) -> Described:
    """Return or raise exactly what ``whole.decode`` does."""
    try:
        seen: Any = _unfinished.decode(data)
        if isinstance(seen, Sample):
            force_setattr(seen, "node", _known_node(bytes(seen.node)))
            if seen.conflicts:
                text = bytes(seen.conflicts)
                known = _known_conflicts if len(text) <= MAX_TEXT_BYTES else _conflicts.decode
                force_setattr(seen, "conflicts", known(text))
        elif isinstance(seen, NodeSettings):
            share_settings(seen.settings)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return whole.decode(data)
    return cast(Described, seen)


def _known_node(text: bytes) -> Node:
    node = _nodes.get(text)
    if node is None:
        node = _node.decode(text)
        if len(text) <= MAX_TEXT_BYTES:
            _nodes[text] = node
    return node


def share(node: Node, *samples: Sample) -> Node:
    """The object that stands for a description like this one, which the samples get too, with the counts that they
    share."""
    shared = _known_node(msgspec.json.encode(node))
    for sample in samples:
        if sample.node == node:
            force_setattr(sample, "node", shared)
        if sample.conflicts:
            text = msgspec.json.encode(sample.conflicts)
            if len(text) <= MAX_TEXT_BYTES:
                force_setattr(sample, "conflicts", _known_conflicts(text))
    return shared


def share_texts(value: Struct) -> None:
    """Make the texts of a sample that is kept for long the same objects as in others: names, states, addresses.

    Not those of positions: hardly one of them is in two samples.
    """
    for field in value.__struct_fields__:
        found = getattr(value, field)
        if type(found) is str:
            if not field.endswith("_lsn"):
                force_setattr(value, field, intern(found))
        elif isinstance(found, tuple):
            for each in found:
                if isinstance(each, Struct):
                    share_texts(each)
        elif isinstance(found, Struct) and type(found) is not Node:
            share_texts(found)


def share_settings(settings: dict[str, SettingValue]) -> None:
    """Replace each value by the object that stands for all that are equal to it."""
    for name, value in settings.items():
        if len(value.value) + len(value.file or "") <= MAX_TEXT_BYTES:
            settings[name] = _known_value(value)
