"""``synchronous_standby_names`` is read as the server reads it (src/backend/replication/syncrep_gram.y)."""

import pytest

from leadline.model.replication import Downstream
from leadline_streams.engines.postgresql.synchronous import Wanted, confirming


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ("", None),
        ("   ", None),
        ("s1", Wanted(1, ("s1",))),
        ("s1, s2", Wanted(1, ("s1", "s2"))),
        ("*", Wanted(1, ("*",))),
        ("2 (s1, s2, s3)", Wanted(2, ("s1", "s2", "s3"))),
        ("FIRST 2 (s1,s2)", Wanted(2, ("s1", "s2"))),
        ("first 1 (*)", Wanted(1, ("*",))),
        ("ANY 2 (s1, s2, s3)", Wanted(2, ("s1", "s2", "s3"), quorum=True)),
        ("any 3(s1,s2)", Wanted(3, ("s1", "s2"), quorum=True)),
        ('"my standby", "a ""b"""', Wanted(1, ("my standby", 'a "b"'))),
        ('FIRST 1 ("any", "*", "(")', Wanted(1, ("any", "*", "("))),
        ('"any" , s2', Wanted(1, ("any", "s2"))),
        ("first, any", Wanted(1, ("first", "any"))),
        ("1, 2", Wanted(1, ("1", "2"))),
        ("größe, s$1", Wanted(1, ("größe", "s$1"))),
    ],
)
def test_what_is_asked_for(setting: str, wanted: Wanted | None) -> None:
    """Every form of the manual, names that need quotes, names that are words of the grammar."""
    assert Wanted.of(setting) == wanted


@pytest.mark.parametrize(
    "setting", ["FIRST (", "2 (s1", "s1 s2", "s1,,s2", "ANY 2 ()", ",", "s1;", "my-standby", '"s1']
)
def test_what_no_server_accepts_asks_for_nothing(setting: str) -> None:
    """It is not guessed at."""
    assert Wanted.of(setting) is None


def test_who_is_missing() -> None:
    """Names are compared without case; ``*`` is nobody in particular."""
    rows = [Downstream(name="S1", sync_state="sync"), Downstream(name="s2", sync_state="potential")]
    assert Wanted(2, ("s1", "s3", "*")).missing(rows) == ["s3"]
    assert [row.name for row in confirming(rows)] == ["S1"]
