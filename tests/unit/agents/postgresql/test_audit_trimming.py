"""Looks for the audit as they are published: small, and never a part of a group."""

from msgspec.structs import replace

from leadline.model.audit_look import AuditedRole, AuditedSetting
from leadline.model.tables import Table, Tables
from leadline.wire import OBSERVATIONS, encode
from leadline_agents.engines.postgresql.audit_trimming import MOST_BYTES, MOST_ROWS, trimmed
from tests.unit.streams.audit.draft import Draft

LOOK = Draft().look_of("pg-1")
ROLE = AuditedRole(name="r", superuser=False, replication=True, login=True)


def test_settings_that_no_rule_reads_are_left_out() -> None:
    """But those that wait for a restart, of which a rule wants all."""
    own = {**(LOOK.settings or {}), "work_mem": AuditedSetting(value="1"), "huge_pages": AuditedSetting(value="x")}
    own["huge_pages"] = replace(own["huge_pages"], pending_restart=True)
    found = trimmed(replace(LOOK, settings=own)).settings or {}
    assert "work_mem" not in found
    assert "huge_pages" in found
    assert found["wal_level"] == own["wal_level"]


def test_what_is_hidden_stays_hidden() -> None:
    """No settings are not the same as none that matter."""
    hidden = replace(LOOK, settings=None, unseen={"settings": "hidden"})
    assert trimmed(hidden) == hidden


def test_a_group_that_is_too_large_is_not_sent_in_part() -> None:
    """The reason is, so that no rule about it passes."""
    few, many = replace(LOOK, roles=(ROLE,) * MOST_ROWS), replace(LOOK, roles=(ROLE,) * (MOST_ROWS + 1))
    assert trimmed(few).roles == few.roles
    found = trimmed(many)
    assert found.roles is None
    assert "leadline audit reads all of it" in found.unseen["roles"]


def test_a_look_stays_small() -> None:
    """Whatever is in it: long settings go last."""
    columns = {f"column_{number:055}": "text" for number in range(100)}
    tables = Tables(present=tuple(Table(name=f"public.t{number}", columns=columns) for number in range(100)))
    found = trimmed(replace(LOOK, tables=tables))
    assert found.tables is None
    assert found.settings
    long = {name: replace(value, value="x" * 10_000) for name, value in (LOOK.settings or {}).items()}
    found = trimmed(replace(LOOK, settings=long))
    assert len(encode(found)) <= MOST_BYTES
    assert found.settings is None
    assert encode(OBSERVATIONS.decode(encode(found))) == encode(found)
