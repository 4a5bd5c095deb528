"""Changes between two looks of the audit at a server: who may connect, roles, extensions, settings that only it reads.

A group that one of the looks does not have has not changed: it could not be read, or there was no room for it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

from leadline.clock import moment
from leadline.model.audit_look import AuditedExtension, AuditedRole, AuditedSetting, AuditLook, HbaLine
from leadline.model.change_record import ChangeRecord
from leadline.model.incident import Change
from leadline.setting_words import written
from leadline_streams.judge.setting_changes import MOST, OF_SESSION, TWICE, WAITED_S, recorded
from leadline_streams.judge.state import Memory

MOST_LINES = 10
"""Lines about client authentication that a change names, on each side."""
Named = TypeVar("Named", AuditedRole, AuditedExtension)


def look_changes(memory: Memory, look: AuditLook, now: float) -> list[ChangeRecord]:
    """The changes since the last look at a server, for the record. A first look is no change."""
    before, node = memory.audit.looks.get(look.node), memory.nodes.get(look.node)
    if before is None or node is None or before.sent_at >= look.sent_at:
        return []
    seen_at = look.sent_at.timestamp()
    at = seen_at if abs(seen_at - now) <= WAITED_S else now  # looks are not put into the order of times
    after = moment(at - (look.sent_at - before.sent_at).total_seconds())
    found = [
        *_settings(before, look, {*node.settings, TWICE}),
        *_named("extension", before.extensions, look.extensions, lambda each: each.version),
        *_named("database role", before.roles, look.roles, _rights),
        *_hba(before.hba, look.hba),
    ]
    changes = [
        Change(
            node=look.node,
            setting=name,
            from_=was,
            to=new,
            at=moment(at),
            after=after,
            source=value.source if value is not None else "",
            file=value.file if value is not None else None,
            line=value.line if value is not None else None,
            pending_restart=value is not None and value.pending_restart,
        )
        for name, was, new, value in found[:MOST]
    ]
    return [recorded(memory, node, change) for change in changes]


Found = tuple[str, str | None, str | None, AuditedSetting | None]


def _settings(before: AuditLook, look: AuditLook, known: Collection[str]) -> Iterator[Found]:
    """``known``: those whose changes other observations show."""
    if before.settings is None or look.settings is None:
        return
    for name in sorted((before.settings.keys() & look.settings.keys()) - set(known)):
        was, new = before.settings[name], look.settings[name]
        if not OF_SESSION.isdisjoint((was.source, new.source)):
            continue
        values = written(was.value, was.unit), written(new.value, new.unit)
        if values[0] != values[1] or (new.pending_restart and not was.pending_restart):
            yield name, *values, new


def _named(
    kind: str, before: Iterable[Named] | None, look: Iterable[Named] | None, shown: Callable[[Named], str]
) -> Iterator[Found]:
    """Those that came, went or are different, by name."""
    if before is None or look is None:
        return
    was, new = ({each.name: shown(each) for each in group} for group in (before, look))
    for name in sorted(was.keys() | new.keys()):
        if was.get(name) != new.get(name):
            yield f"{kind} {name}", was.get(name), new.get(name), None


def _rights(role: AuditedRole) -> str:
    rights = (("superuser", role.superuser), ("replication", role.replication), ("login", role.login))
    return " ".join(name for name, has in rights if has) or "no right of its own"


def _hba(before: Iterable[HbaLine] | None, look: Iterable[HbaLine] | None) -> Iterator[Found]:
    """The lines that are gone, and those that are new; not those that only moved."""
    if before is None or look is None:
        return
    was, new = ([_line(each) for each in group] for group in (before, look))
    gone, added = [each for each in was if each not in new], [each for each in new if each not in was]
    if gone or added:
        yield "hba", _some(gone), _some(added), None
    elif was != new:
        yield "hba", "another order of its lines", "the order of its lines", None


def _line(each: HbaLine) -> str:
    parts = (each.kind, ",".join(each.databases), ",".join(each.users), each.address or "", each.method, *each.options)
    return " ".join(part for part in parts if part) or (each.error or "")


def _some(lines: list[str]) -> str | None:
    if not lines:
        return None
    more = len(lines) - MOST_LINES
    return "; ".join([*lines[:MOST_LINES], *([f"{more} more lines"] if more > 0 else [])])
