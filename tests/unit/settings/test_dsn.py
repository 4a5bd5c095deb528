"""Connection strings: their form, and that what may be of a password is never quoted."""

import pytest

from leadline.errors import UsageError
from leadline.settings.dsn import address, parts

SECRET = "5ecret"


@pytest.mark.parametrize(
    ("dsn", "where"),
    [
        ("postgresql://u:p%40ss@db.example/log", "db.example:5432"),
        ("postgresql://u@a.example:1,b.example:2/log", "a.example:1,b.example:2"),
        ("host=db.example password='p@ss word'", "db.example:5432"),
        ("host=@abstract dbname=log", "@abstract:5432"),
        ("host=/run/postgresql", "/run/postgresql:5432"),
    ],
)
def test_where_it_leads(dsn: str, where: str) -> None:
    """Host and port, and nothing else."""
    assert address(dsn) == where


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://u:p@{SECRET}@db.example/log",
        f"postgresql://u:p@{SECRET}@a.example,b.example/log",
        f"postgresql://u:{SECRET}@[::1/log",
        f"host=db.example password=two {SECRET}",
        f"host=db.example password='{SECRET}",
        SECRET,
        "",
    ],
)
def test_what_is_none_is_not_quoted(dsn: str) -> None:
    """Also where libpq would make something of it: a password with an @ that nobody encoded ends up as a host."""
    with pytest.raises(UsageError) as caught:
        parts(dsn)
    assert SECRET not in str(caught.value)
