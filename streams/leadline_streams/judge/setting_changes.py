"""Changes of settings and roles between two looks at a node: how they are found, published and remembered."""

from leadline.clock import moment
from leadline.model.change_record import ChangeRecord
from leadline.model.ids import ClusterName, node_id
from leadline.model.incident import Change
from leadline.model.observation import NodeSettings, SettingValue
from leadline.setting_words import written
from leadline.wire import timestamp
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.server_settings import ServerSettings
from leadline_streams.judge.state import Memory

KEPT_S = 2 * 3600.0
KEPT = 100
OF_SESSION = frozenset({"client", "database", "database user", "session", "user"})
"""Sources of values that only sessions like the agent's have: such a value is not that of the server."""
TWICE = "server_version_num"
"""The same as ``server_version``, for programs."""
WAITED_S = 10.0
"""A reading that was judged so much later was not waiting: the clock of its host was corrected."""
TOOK_S = 1.0
"""An answer that is older when it is sent shows that the clocks of server and agent differ."""
MOST = 200
"""Changes published of one reading, at most: a server has about a hundred settings that are read."""


def role_changed(memory: Memory, node: NodeState, was: str, after: float, now: float) -> list[ChangeRecord]:
    """Remember that a node changed its role: a promotion, or a primary that came back as a standby."""
    change = Change(node=node.name, setting="role", from_=was, to=node.node.role, at=moment(now), after=moment(after))
    remember(memory, [change], now)
    return [recorded(memory, node, change)]


def take(memory: Memory, node: NodeState, seen: NodeSettings, now: float) -> tuple[list[Change], list[ChangeRecord]]:
    """Replace a node's settings and return the changes, and all that goes on record; the first reading is no change.

    Neither is a setting that a server did not have, or show, before: it came with another version or another right.
    What waits for a restart goes on record, and has not changed anything yet.
    """
    before, settings = node.settings, seen.settings
    after = _after(node, seen, now)
    node.settings, node.settings_at = ServerSettings(settings), seen.at.timestamp()
    changed, waiting = [], []
    for name in sorted(before.keys() & settings.keys() - {TWICE}):
        was, new = before[name], settings[name]
        if was is new or not OF_SESSION.isdisjoint((was.source, new.source)):
            continue
        change = _between(node, name, was, new, after, now)
        if change.from_ != change.to:
            changed.append(change)
        elif new.pending_restart and not was.pending_restart:
            waiting.append(change)
    if changed:
        known = {name: at for name, at in node.changed_at.items() if name in settings}
        node.changed_at = known | {each.setting: now for each in changed}
    remember(memory, changed, now)
    return changed, [recorded(memory, node, each) for each in (*changed, *waiting)[:MOST]]


def remember(memory: Memory, found: list[Change], now: float) -> None:
    """Add changes and drop those that are old."""
    recent = [change for change in memory.changes if change.at.timestamp() > now - KEPT_S]
    memory.changes = [*recent, *found][-KEPT:]


def recorded(memory: Memory, node: NodeState, change: Change) -> ChangeRecord:
    """A change as it goes on record."""
    cluster = ClusterName(memory.cluster)
    ident = f"{node_id(cluster, node.name)}/{change.setting}/{timestamp(change.at)}"
    return ChangeRecord(change_id=ident, cluster=cluster, datacenter=node.node.datacenter, change=change)


def _between(
    node: NodeState, name: str, was: SettingValue, new: SettingValue, after: float | None, now: float
) -> Change:
    return Change(
        node=node.name,
        setting=name,
        from_=_text(was),
        to=_text(new),
        at=moment(now),
        after=moment(after) if after is not None else None,
        source=new.source,
        file=new.file,
        line=new.line,
        pending_restart=new.pending_restart,
    )


def _after(node: NodeState, seen: NodeSettings, now: float) -> float | None:
    """The last time at which the settings are known not to have changed yet: the last reading, or a later look at which
    the server had not read its files anew. None where the server's clock was set back in between, or by decades."""
    if not node.settings_at:
        return None
    unchanged_at = max(node.settings_at, seen.unchanged_at.timestamp() if seen.unchanged_at is not None else 0.0)
    age_s = seen.at.timestamp() - unchanged_at
    if age_s < 0.0:
        return None
    waited_s = now - seen.sent_at.timestamp()  # a reading may be judged later than it was made
    took_s = seen.sent_at.timestamp() - seen.at.timestamp()  # if it is no difference of two clocks
    late_s = (waited_s if 0.0 <= waited_s <= WAITED_S else 0.0) + (took_s if 0.0 <= took_s <= TOOK_S else 0.0)
    after = now - age_s - late_s
    return after if after > 0.0 else None


def _text(value: SettingValue) -> str:
    return written(value.value, value.unit)
