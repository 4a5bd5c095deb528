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
from zlib import crc32

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import force_setattr

from leadline.model.activity import Session
from leadline.model.audit_look import AuditLook
from leadline.model.finding import Described, FindingReport
from leadline.model.node import Node
from leadline.model.observation import Conflicts, NodeSettings, Sample, SettingValue, Tick
from leadline.model.replication import Downstream, Positions, Slot, Upstream
from leadline.model.retirement import Retirement

TEXTS = 65_536
"""Counts, and values of settings, that are kept, by last use."""
MAX_TEXT_BYTES = 1024
"""Longer texts are decoded each time, which bounds the memory. A node's has 300, the counts of a database 100."""

_REPEATED: dict[type[Struct], tuple[str, ...]] = {
    Node: ("name", "cluster", "boot", "engine", "datacenter", "host", "version", "system_id", "flavour"),
    SettingValue: ("unit", "source", "file"),
    Sample: ("database", "login"),
    Positions: ("startup_wait",),
    Upstream: ("host", "slot", "application_name", "status"),
    Downstream: ("name", "state", "address", "slot", "sync_state", "wait"),
    Slot: ("name", "plugin", "database", "wal_status"),
    Session: ("user", "application", "client", "database", "state"),
}
"""Texts that many of them have."""
whole: Decoder[Described] = Decoder(Described)
"""The same without shared objects. Its errors name the path of the first wrong field."""
_unfinished = Decoder(Sample[Raw, Raw] | NodeSettings | Tick | FindingReport | Retirement | AuditLook)  # type: ignore[type-var]  # in two steps
_node = Decoder(Node)
_conflicts = Decoder(Conflicts)
_nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()
"""By 96 bits of their texts, which themselves are a third of what a description takes."""
_NO_LABELS: dict[str, str] = {}
_known_conflicts = lru_cache(maxsize=TEXTS)(_conflicts.decode)
_known_number = lru_cache(maxsize=TEXTS)(int)


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
            _share_texts(seen.node)
            share_settings(seen.settings)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return whole.decode(data)
    return cast(Described, seen)


def _known_node(text: bytes) -> Node:
    if len(text) > MAX_TEXT_BYTES:
        return _node.decode(text)
    digest = hash(text) << 32 | crc32(text)
    node = _nodes.get(digest)
    if node is None:
        node = _node.decode(text)
        _share_texts(node)
        for number in ("port", "version_num"):
            force_setattr(node, number, _known_number(getattr(node, number)))
        if not node.labels:
            force_setattr(node, "labels", _NO_LABELS)
        _nodes[digest] = node
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


def share_texts(sample: Sample) -> None:
    """Make those texts of a sample that is kept for long one object that others have, too: names, states, addresses."""
    _share_texts(sample)
    for part in (sample.positions, sample.upstream):
        if part is not None:
            _share_texts(part)
    sessions = sample.activity.oldest if sample.activity is not None else ()
    for rows in (sample.downstreams, sample.slots, sessions):
        for row in rows:
            _share_texts(row)


def _share_texts(value: Struct) -> None:
    for field in _REPEATED[type(value)]:
        text = getattr(value, field)
        if text is not None:
            force_setattr(value, field, intern(text))


def share_settings(settings: dict[str, SettingValue]) -> None:
    """Replace each value by the object that stands for all that are equal to it."""
    for name, value in settings.items():
        if len(value.value) + len(value.file or "") <= MAX_TEXT_BYTES:
            settings[name] = known = _known_value(value)
            if known is value:
                _share_texts(value)
