"""Foreign text as mrkdwn: never markup, never above its limit."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline_sinks.slack import text
from tests.unit.sinks import made
from tests.unit.strategies import hostile

foreign = st.one_of(hostile, st.sampled_from(made.HOSTILE), st.text("<>&`*_~! @a|\n", max_size=60))
limits = st.integers(10, 400)


def outside_code(shown: str) -> str:
    """The text in which Slack interprets mrkdwn."""
    return re.sub(r"`[^`]*`", "", shown)


@given(foreign, limits)
def test_prose_holds_no_markup(raw: str, limit: int) -> None:
    """Outside code spans there is no markup, and backticks come in pairs."""
    shown = text.prose(raw, limit)
    assert len(shown) <= limit
    assert not re.search(r"[<>*_~`]", outside_code(shown))
    assert not re.search(r"&(?!amp;|lt;|gt;)", shown)
    assert shown.isprintable()


@given(foreign, limits)
def test_names_are_one_code_span(raw: str, limit: int) -> None:
    """A name cannot end its code span."""
    shown = text.name(raw, limit)
    assert len(shown) <= limit
    assert re.fullmatch(r"`[^`<>]+`", shown)
    assert shown.isprintable()


@given(foreign, limits)
def test_literals_are_escaped_and_fit(raw: str, limit: int) -> None:
    """No bracket, no escape cut in two, and within the limit."""
    shown = text.literal(raw, limit)
    assert len(shown) <= limit
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", shown)
    assert shown.isprintable()


@given(st.lists(foreign, max_size=5), limits)
def test_parts_are_whole_or_counted(parts: list[str], limit: int) -> None:
    """Parts that do not fit are counted, not cut."""
    given_parts = [part[:100].replace("|", "") for part in parts]
    shown = text.joined(given_parts, "|", limit)
    assert len(shown) <= max(limit, len("|… 5 more"))
    assert shown == "|".join(given_parts) or shown.endswith(" more")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("max_wal_size = -1 lets it wait", "`max_wal_size` = -1 lets it wait"),
        ("(wal_level), then a<b", "(`wal_level`), then `a&lt;b`"),
        ("SELECT count(*) of (a_b, c_d)", "SELECT `count(*)` of (`a_b`, `c_d`)"),
        ("*", "`*`"),
        ("(*). _", "(`*`). `_`"),
        ("<!channel> look", "`&lt;!channel&gt;` look"),
        ("at 10:00:03 :fire:", "at 10:00:03 `:fire`:"),
        ("a\nb\0", "a\\nb\\x00"),
        ("`a` *b* ~c~", "`ˋaˋ` `*b*` `~c~`"),
    ],
)
def test_prose(raw: str, shown: str) -> None:
    """Words that could be markup become code spans; others are unchanged."""
    assert text.prose(raw, 100) == shown


def test_a_long_name_keeps_its_ends() -> None:
    """A name of 10 kB is shown as its beginning and its end."""
    shown = text.name("standby-" + "x" * 10_240 + "-fra1")
    assert shown.startswith("`standby-xx")
    assert shown.endswith("xx-fra1`")
    assert "x…x" in shown


@pytest.mark.parametrize("length", [148, 149, 150, 151])
def test_the_boundary(length: int) -> None:
    """A text of exactly the limit is not cut. An escape counts with all its characters."""
    assert text.literal("𝔸" * length, 150) == ("𝔸" * length if length <= 150 else "𝔸" * 149 + "…")
    assert len(text.literal("&" * length, 150)) <= 150


def test_dates() -> None:
    """Slack shows the reader's time zone; a time before 1970 is shown in UTC."""
    assert text.date(made.START) == "<!date^1775815203^{date_short_pretty} {time_secs}|2026-04-10 10:00:03 UTC>"
    assert text.date(made.START.replace(year=1)) == "0001-04-10 10:00:03 UTC"


def test_struck_text() -> None:
    """No character of it ends the strike."""
    assert text.struck("a~b `c`", 50) == "~a∼b ˋcˋ~"
    assert text.struck(" ", 50) == "-"
