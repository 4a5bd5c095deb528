"""The file of statements that would repair."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from leadline.errors import UsageError
from leadline_verify import repair
from leadline_verify.linking import FollowedBy
from leadline_verify.outcome import RowFinding
from leadline_verify.plan import TablePlan, plan_physical
from leadline_verify.private_file import open_private
from tests.unit.verify.builders import column, facts, subscription, table

EVIL = "t\nDROP TABLE orders; --"
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def planned(name: str, **more: Any) -> TablePlan:
    one = table(column("id"), column("note", "text"), name=name, **more)
    (found,) = plan_physical((facts(), facts()), [one], [one])
    assert isinstance(found, TablePlan)
    return found


def row(kind: Any, key: str = "1") -> RowFinding:
    return RowFinding(table="t", key={"id": key}, kind=kind, confirmed_at=NOW)


def test_a_name_with_a_line_break_makes_no_statement() -> None:
    """Comments stay on one line, whatever the table, its rows, the servers and the subscription are called."""
    plan, link = planned(EVIL), FollowedBy(kind="logical", subscription=subscription(name=EVIL))
    text = repair.head(EVIL, EVIL, EVIL, link, NOW).partition("BEGIN;\n")[0]
    lines = [*text.splitlines(), *repair.statements(plan, [row("changed", EVIL), row("missing", EVIL)], {}, {})]
    assert len(lines) > 5
    assert [line for line in "\n".join(lines).splitlines() if not line.startswith("--")] == []


def test_a_statement_names_the_row_and_what_was_found_there() -> None:
    """It leaves a row alone that has changed since."""
    above = {("1",): {"id": "1", "note": "it's"}, ("3",): {"id": "3", "note": None}}
    below: repair.Values = {("1",): {"id": "1", "note": None}, ("2",): {"id": "2", "note": "x"}}
    changed, extra, missing = repair.statements(
        planned("t"), [row("changed"), row("extra", "2"), row("missing", "3")], above, below
    )
    found = """WHERE "id" = '1'::integer AND "note"::text IS NULL"""
    assert changed == f"""UPDATE "public"."t" SET "note" = 'it''s'::text {found};"""
    found = """WHERE "id" = '2'::integer AND "note"::text IS NOT DISTINCT FROM 'x'"""
    assert extra == f"""DELETE FROM "public"."t" {found};"""
    values = """("id", "note") VALUES ('3'::integer, NULL)"""
    assert missing == f"""INSERT INTO "public"."t" {values} ON CONFLICT DO NOTHING;"""


def test_others_cannot_read_it(tmp_path: Path) -> None:
    """Also where a file of that name was there, which everybody could."""
    file = tmp_path / "repair.sql"
    file.write_text("old and longer")
    file.chmod(0o644)
    with open_private(file, "--repair-sql") as opened:
        opened.write(b"new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)
    with pytest.raises(UsageError, match="--repair-sql: cannot write"):
        open_private(tmp_path / "none" / "repair.sql", "--repair-sql")
