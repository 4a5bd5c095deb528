"""Connection strings: their form, and that what may be of a password is never quoted."""

from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline.settings.dsn import address, parts, resolved

SECRET = "5ecret"


@pytest.mark.parametrize(
    ("dsn", "where"),
    [
        ("postgresql://u:p%40ss@db.example/log", "db.example:5432"),
        ("postgresql://u@a.example:1,b.example:2/log", "a.example:1,b.example:2"),
        ("host=db.example password='p@ss word'", "db.example:5432"),
        ("host=@abstract dbname=log", "@abstract:5432"),
        ("host=/run/postgresql", "/run/postgresql:5432"),
        ("host=::1 port=6432", "[::1]:6432"),
        ("postgresql://u@[fe80::1%25eth0]/log", "[fe80::1%eth0]:5432"),
    ],
)
def test_where_it_leads(dsn: str, where: str) -> None:
    """Host and port, and nothing else."""
    assert address(dsn) == where


def test_where_a_service_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As libpq resolves it: the string before the service before the environment before the defaults."""
    file = tmp_path / "pg_service.conf"
    file.write_text("# ours\n[prod]\nhost=db.example\nport=6432\npassword=p%40=ss\n\n[half]\nuser=x\n")
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGOPTIONS", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    assert address("service=prod") == "db.example:6432"
    assert address("service=prod port=1") == "db.example:1"
    assert resolved("service=prod")["password"] == "p%40=ss"
    monkeypatch.setenv("PGHOST", "other.example")
    monkeypatch.setenv("PGPORT", "7000")
    assert address("service=half") == "other.example:7000"
    assert address("service=none") == "other.example:7000"
    monkeypatch.delenv("PGHOST")
    assert address("service=none") == "service none"
    monkeypatch.setenv("PGHOST", "other.example")
    assert address("service=prod") == "db.example:6432"
    monkeypatch.setenv("PGSERVICE", "prod")
    assert address("dbname=app") == "db.example:6432"
    file.write_text("no section\n")
    assert address("dbname=app") == "other.example:7000"


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://u:p@{SECRET}@db.example/log",
        f"postgresql://u:p@{SECRET}@a.example,b.example/log",
        f"postgresql://u:{SECRET}@[::1/log",
        f"host=db.example password=two {SECRET}",
        f"host=db.example password='{SECRET}",
        f"postgresql://u:{SECRET}/x@db.example/log",
        f"postgresql://u:{SECRET}",
        f"host=db.example;port=5432;password={SECRET}",
        f"host=db.example,port=5432,password={SECRET}",
        f"Host=db.example;Username=u;Password={SECRET}",
        f"jdbc:postgresql://db.example/log?user=u&password={SECRET}",
        SECRET,
        "",
    ],
)
def test_what_is_none_is_not_quoted(dsn: str) -> None:
    """Also where libpq would make something of it: a password with an @ that nobody encoded ends up as a host."""
    with pytest.raises(UsageError) as caught:
        parts(dsn)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("dsn", "remedy"),
    [
        ("jdbc:postgresql://db.example:5432/app?user=x", "leave out jdbc:"),
        ("pg-1", "host=NAME"),
        ("10.0.0.1:5432", "host=NAME"),
        ("Host=db.example;Port=5432;Username=x", "separate keywords with spaces"),
        ("host=db.example;port=5432;user=x", "separate keywords with spaces"),
        ("host=db.example:5432 user=x", "port=5432"),
        ("postgresql://u:some/password@db.example/log", "%2F"),
        ("postgresql://u:p@ssword@db.example/log", "%40"),
        ("postgresql://u:100%sure@db.example/log", "percent-encode"),
    ],
)
def test_the_likeliest_slip_is_named(dsn: str, remedy: str) -> None:
    """As people bring them from other programs, or with a password that a generator made.

    https://github.com/PostgREST/postgrest/issues/1531, https://github.com/eduardolat/pgbackweb/issues/3,
    https://github.com/apache/superset/issues/13456
    """
    with pytest.raises(UsageError, match=remedy):
        parts(dsn)
