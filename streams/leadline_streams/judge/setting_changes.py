"""Changes of settings and roles between two readings of a node, and for how long they are remembered."""

from leadline.clock import moment
from leadline.model.incident import Change
from leadline.model.observation import SettingValue
from leadline.setting_words import written
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.state import Memory

KEPT_S = 2 * 3600.0
KEPT = 100


def role_changed(memory: Memory, node: NodeState, was: str, now: float) -> None:
    """Remember that a node changed its role: a promotion, or a primary that came back as a standby."""
    remember(memory, [Change(node=node.name, setting="role", from_=was, to=node.node.role, at=moment(now))], now)


def take(memory: Memory, node: NodeState, settings: dict[str, SettingValue], now: float) -> list[Change]:
    """Replace a node's settings and return the changes; the first reading is no change.

    Neither is a setting that a server did not have, or show, before: it came with another version or another right.
    """
    before, node.settings = node.settings, dict(settings)
    found = []
    for name in sorted(before.keys() & settings.keys()):
        old, new = _text(before, name), _text(settings, name)
        if old != new:
            found.append(Change(node=node.name, setting=name, from_=old, to=new, at=moment(now)))
    remember(memory, found, now)
    return found


def remember(memory: Memory, found: list[Change], now: float) -> None:
    """Add changes and drop those that are old."""
    recent = [change for change in memory.changes if change.at.timestamp() > now - KEPT_S]
    memory.changes = [*recent, *found][-KEPT:]


def _text(settings: dict[str, SettingValue], name: str) -> str:
    return written(settings[name].value, settings[name].unit)
