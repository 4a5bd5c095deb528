"""Limits of one cluster. Things beyond them are counted by name, so that people hear of them."""

from leadline_streams.judge.state import Memory

MOST_NODES = 5000
MOST_LINKS = 20_000
MOST_ALERTS = 20_000
"""Open at once. Ten thousand slots that are lost have as many."""
MOST_SOURCES = 1000
"""Programs that report findings."""
MOST_NAMED = 1000
"""So many of what is beyond a limit are counted."""
SHOWN = 3
KEPT_S = 90.0
"""Things beyond a limit show again within this time: an agent sends a whole sample each 30 s."""

LINKS = "links"
"""They are found when something changes: those beyond the limit are so until then."""

_WORDS = {
    "nodes": f"{MOST_NODES} nodes are watched, and these are not",
    "links": f"{MOST_LINKS} links are judged, and these are not",
    "alerts": f"{MOST_ALERTS} alerts are open, and these were not opened",
    "sources": f"{MOST_SOURCES} sources of findings are followed, and these are not",
    "incidents": "20 incidents are open, and these became parts of others",
}


def note(memory: Memory, what: str, name: str) -> None:
    """Count something that is beyond a limit: a node, a link, an alert, an incident or a source of findings."""
    names = memory.beyond.setdefault(what, {})
    if name in names or len(names) < MOST_NAMED:
        names[name] = memory.arrivals.now


def reached(memory: Memory) -> str:
    """The limits that a cluster has reached lately, in words; empty when it has reached none."""
    oldest = memory.arrivals.now - KEPT_S
    for what, names in list(memory.beyond.items()):
        for name in [name for name, at in names.items() if at < oldest and what != LINKS]:
            del names[name]
        if not names:
            del memory.beyond[what]
    return "; ".join(f"{_WORDS[what]}: {_shown(list(names))}" for what, names in sorted(memory.beyond.items()))


def _shown(names: list[str]) -> str:
    more = len(names) - SHOWN
    most = " or more" if len(names) >= MOST_NAMED else ""
    return ", ".join(names[:SHOWN]) + (f" and {more}{most} others" if more > 0 else "")
