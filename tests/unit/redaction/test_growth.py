"""A text is read in proportion to its length, whatever it holds; a line of a server log can be long and hostile.

It happened to others: https://github.com/sliday/tamp/pull/20 (256 kB took 70 s) and
https://github.com/NousResearch/hermes-agent/pull/76083 (a run of dots and names stopped all log messages).
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.redaction import redact, values
from leadline.redaction.openers import FORMS, OPENER
from tests.unit.redaction.forms import FORMS as WRITTEN

PIECES = (
    *(
        "://",
        "://a:",
        "@",
        "@tcp(",
        "password",
        "password=",
        "token: ",
        "'",
        "''",
        '"',
        '""',
        "\\",
        '\\"',
        "\\'",
        "$",
        "$a$",
    ),
    *(
        "a",
        " ",
        "\n",
        "\t",
        "eyJ",
        "eyJabcdefghi",
        ".",
        "-",
        "--key ",
        "xoxb-",
        "bearer ",
        "Authorization: ",
        "cookie=",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        'in URI: "',
        'host name "',
        "pgp_sym_encrypt(",
        "<password>",
    ),
    *(
        "&sig=",
        "code=",
        "curl -u ",
        "mysql -p",
        "a:5432:b:c:",
        "|\n  x",
        "{",
        "[",
        "password=''",
        'password=\\"',
        "%3D",
        "/*",
        "PASSWORD",
    ),
)
REPEATS = {re._constants.MAX_REPEAT, re._constants.MIN_REPEAT}  # type: ignore[attr-defined]
POSSESSIVE = re._constants.POSSESSIVE_REPEAT  # type: ignore[attr-defined]


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """All patterns of the readers, with their names."""
    for module in (redact, values):
        for name, value in vars(module).items():
            found = value.values() if isinstance(value, dict) else [value]
            yield from ((f"{module.__name__}.{name}", each) for each in found if isinstance(each, re.Pattern))


def unbounded(parsed: Any, inside: bool = False) -> Iterator[str]:
    """The repetitions without a limit inside of others that can give characters back."""
    for kind, content in parsed:
        parts = content if isinstance(content, tuple) else (content,)
        endless = (kind in REPEATS or kind is POSSESSIVE) and parts[1] is re._constants.MAXREPEAT  # type: ignore[attr-defined]
        if endless and inside and kind in REPEATS:
            yield str(kind)
        for part in parts:
            subpatterns = part if isinstance(part, list) else [part]
            for sub in subpatterns:
                if isinstance(sub, re._parser.SubPattern):  # type: ignore[attr-defined]
                    yield from unbounded(sub, inside or (endless and kind in REPEATS))


def test_a_mark_is_found_in_bounded_steps() -> None:
    """The pattern of the marks is compared with at most so many characters at each position."""
    assert re._parser.parse(OPENER.pattern, re.IGNORECASE).getwidth()[1] < 2000  # type: ignore[attr-defined]


def test_each_form_has_a_reader() -> None:
    """Neither is without the other."""
    assert set(FORMS) == set(redact.READERS)


def test_no_pattern_of_a_reader_goes_back_inside_of_a_repetition() -> None:
    """None can take the square of a length."""
    named = list(patterns())
    assert len(named) > 20
    assert [name for name, each in named if list(unbounded(re._parser.parse(each.pattern, each.flags)))] == []  # type: ignore[attr-defined]
    assert list(unbounded(re._parser.parse(r"(?:a*b*)*")))  # type: ignore[attr-defined]


@given(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=4), times=st.sampled_from([50, 500, 5000]))
def test_no_part_is_read_again_and_again(pieces: list[str], times: int) -> None:
    """Readers look at most a few times at each character."""
    once = redact.Pass("".join(pieces) * times)
    once.masked()
    assert once.read <= 4 * len(once.text)


@pytest.mark.parametrize("form", WRITTEN)
def test_a_form_that_is_repeated(form: str) -> None:
    """However often it stands there."""
    once = redact.Pass(WRITTEN[form] * 300)
    once.masked()
    assert once.read <= 4 * len(once.text)


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=30))
def test_any_text_is_read_to_its_end(pieces: list[str]) -> None:
    """A masked text does not get longer by each pass, and one without a mark is not changed."""
    text = "".join(pieces)
    masked = redact.redact(text)
    assert OPENER.search(text) or masked == text
    assert len(redact.redact(masked)) <= len(masked) + 3 * len(text)
