"""The state of a server that its agent could not read, from the reason and the code that the agent gives."""

import pytest

from leadline_agents.engines.postgresql.connect_errors import WORDS
from leadline_streams.engines.postgresql.connect_errors import reach


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("57P03", "not_ready"),
        ("57P01", "not_ready"),
        ("53300", "locked_out"),
        ("28P01", "locked_out"),
        ("28000", "locked_out"),
        ("3D000", "locked_out"),
        ("53100", "locked_out"),
        ("08P01", "unseen"),
        ("XX000", "locked_out"),
    ],
)
def test_a_code_decides_in_any_language(code: str, expected: str) -> None:
    """The words may say anything: here they are those of a server that is gone."""
    assert reach("refused: connection refused", code) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("refused: connection refused", "gone"),
        ("timeout: no answer in 1 s", "hangs"),
        ("network: no route to host", "hangs"),
        ("unknown host: no such name", "unseen"),
        ("TLS: certificate verify failed", "unseen"),
        ("cannot connect: server closed the connection unexpectedly", "unseen"),
        ("starting up: the database system is starting up", "not_ready"),
        ("shutting down: the database system is shutting down", "not_ready"),
        ("authentication failed: no password supplied", "locked_out"),
        ("", "unseen"),
    ],
)
def test_without_a_code_no_server_was_seen_unless_its_words_are_known(error: str, expected: str) -> None:
    """Text that is in no table is no sign of a server that is gone."""
    assert reach(error, None) == expected


def test_only_a_refused_connection_shows_that_a_server_is_gone() -> None:
    """Of all reasons that an agent gives."""
    assert {word for word in WORDS if reach(word, None) == "gone"} == {"refused"}
