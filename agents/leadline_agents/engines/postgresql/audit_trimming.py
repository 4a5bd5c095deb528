"""Looks for the audit as they are published: small, and without what no rule reads. Pure.

Of a group that is too large nothing is sent, and the reason is: a rule that saw a part of it could pass wrongly.
"""

from typing import Final

from msgspec.structs import replace

from leadline.audited_settings import AUDITED_SETTINGS
from leadline.model.audit_look import AuditLook
from leadline.wire import encode

MOST_ROWS: Final = 500
"""Rows of one group."""
MOST_BYTES: Final = 128 * 1024
"""Of a whole look. One of a server with ten roles and two databases has 6 kB."""
_COUNTED: Final = (
    *("hba", "file_errors", "roles", "senders", "databases", "extensions", "subscriptions", "origins", "unlogged"),
)
_KEPT: Final = frozenset(AUDITED_SETTINGS)


def trimmed(look: AuditLook) -> AuditLook:
    """The look without the settings that no rule reads, and without groups for which a record has no room."""
    settings = {name: value for name, value in (look.settings or {}).items() if name in _KEPT or value.pending_restart}
    found = replace(look, settings=settings if look.settings is not None else None)
    for counted in _COUNTED:
        if len(getattr(found, counted) or ()) > MOST_ROWS:
            found = _without(found, counted)
    while len(encode(found)) > MOST_BYTES and (group := _largest(found)) is not None:
        found = _without(found, group)
    return found


def _largest(look: AuditLook) -> str | None:
    """The group with the most bytes, the settings last; None when nothing is left."""
    sizes = {
        group: len(encode({group: getattr(look, group)})) for group in ("tables", *_COUNTED) if getattr(look, group)
    }
    rest = "settings" if look.settings is not None else None
    return max(sizes, key=lambda group: sizes[group], default=rest)


def _without(look: AuditLook, group: str) -> AuditLook:
    reason = f"{group} has more than the audit on the stream takes; leadline audit reads all of it"
    emptied: dict[str, None] = {group: None}
    return replace(look, **emptied, unseen={**look.unseen, group: reason})
