"""Positions of comparisons are kept in files, and only those that fit are used."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadline.clock import ManualClock
from leadline.errors import UsageError
from leadline_cli.verify_checks import positions_of
from leadline_verify.checkpoint import KeptRun, TableProgress
from leadline_verify.scheduled.positions import STALE_S, PositionFiles
from tests.unit.verify.test_scheduled import link

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_each_table_of_a_link_has_a_file_of_its_own(tmp_path: Path) -> None:
    """Its name says nothing of the table, and is one whatever characters that has."""
    files = PositionFiles(str(tmp_path))
    assert files.file(link().link, "public.a") is None, "it was not begun"
    assert files.begin(0) == ""
    other = link(downstream="pg-5")
    names = {files.file(each.link, table) for each in (link(), other) for table in ("public.a", "public.b/../%s")}
    assert len(names) == 4
    assert all(name is not None and name.parent == tmp_path for name in names)


def test_what_has_not_moved_for_long_is_removed(tmp_path: Path) -> None:
    """Files of others stay."""
    for name, age_s in (("verify-1.json", STALE_S + 1), ("verify-2.json", 5.0), ("other.json", STALE_S + 1)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1e9 - age_s, 1e9 - age_s))
    assert PositionFiles(str(tmp_path)).begin(1e9) == ""
    assert {file.name for file in tmp_path.iterdir()} == {"verify-2.json", "other.json"}


def test_without_a_directory_the_process_goes_on_and_says_so(tmp_path: Path) -> None:
    """`leadline doctor` names it, too."""
    missing = str(tmp_path / "none")
    files = PositionFiles(missing)
    assert files.begin(0) == f"state_dir: there is no directory {missing}"
    assert files.file(link().link, "public.a") is None
    assert positions_of(missing).result == "fail"
    assert positions_of(str(tmp_path)).result == "ok"


def kept(file: Path, *, must_fit: bool = False) -> KeptRun:
    return KeptRun(file, ManualClock(NOON), must_fit=must_fit)


def test_a_file_of_other_databases_counts_as_none_where_nobody_chose_it(tmp_path: Path) -> None:
    """A standby that was made anew, a broken disk: the table begins anew, and the file is replaced."""
    file = tmp_path / "verify-1.json"
    first = kept(file)
    first.load("a->b")
    assert first.note("t", TableProgress(fingerprint="f", rows_upstream=7)) == 7
    first.save("found", always=True)
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    again = kept(file)
    again.load("a->b")
    assert again.run.tables["t"].rows_upstream == 7
    assert again.note("t", TableProgress(fingerprint="f", rows_upstream=9)) == 2
    assert again.note("t", TableProgress(fingerprint="g", rows_upstream=4)) == 4
    with pytest.raises(UsageError, match="another pair of databases"):
        kept(file, must_fit=True).load("a->c")
    for text in (file.read_text(), "{", ""):
        file.write_text(text)
        other = kept(file)
        other.load("a->c")
        assert other.run.tables == {}


def test_a_disk_that_is_full_stops_nobody_who_did_not_ask_for_a_file(tmp_path: Path) -> None:
    """With --resume it is an error."""
    file = tmp_path / "gone" / "verify-1.json"
    asked = kept(file, must_fit=True)
    asked.load("a->b")
    with pytest.raises(UsageError, match="cannot write"):
        asked.save("found", always=True)
    free = kept(file)
    free.load("a->b")
    free.save("found", always=True)
    free.save("found", always=True)
    free.end()
