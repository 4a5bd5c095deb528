"""Secrets are not seen, unless revealed."""

import json
from pathlib import Path

import msgspec
import pytest

from leadline.errors import UsageError
from leadline.settings.secret import Secret, redact


def test_it_prints_masked() -> None:
    """No way of turning a secret into text shows it."""
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    ways = (str, repr, "{}".format, "{!r:>9}".format, "%s".__mod__, lambda s: str([s]), lambda s: str({1: s}))
    for text in (way(secret) for way in ways):
        assert "hunter2" not in text
        assert "***" in text


def test_it_cannot_be_written_by_accident() -> None:
    """Encoders refuse it."""
    with pytest.raises(TypeError):
        json.dumps(Secret("hunter2"))
    with pytest.raises(TypeError):
        msgspec.json.encode(Secret("hunter2"))


def test_a_rotated_file_is_read_again(tmp_path: Path) -> None:
    """A secret in a file is read at each use; only newlines at its end are dropped."""
    path = tmp_path / "password"
    path.write_text(" one \r\n")
    secret = Secret.in_file(path)
    assert secret.reveal() == " one "
    path.write_text("two")
    assert secret.reveal() == "two"
    path.unlink()
    with pytest.raises(UsageError, match="No such file"):
        secret.reveal()


def test_equality_is_by_content() -> None:
    """Two secrets are equal when they would reveal the same for the same reason."""
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a"), Secret.in_file(Path("a"))}) == 2


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://root:hunter2@db-1/postgres",
        "postgresql://root:hunter2%40@x@db-1/postgres",
        "https://:hunter2@hooks",
        "host=db-1 password=hunter2 user=x",
        "host=db-1 password = 'hunter2 and \\' more hunter2' user=x",
        'sslpassword="hunter2"',
        "PASSWORD: hunter2",
    ],
)
def test_passwords_in_foreign_text_are_masked(text: str) -> None:
    """Messages of servers and libraries may quote a connection string."""
    assert "hunter2" not in redact(text)
    assert "***" in redact(text)


def test_other_text_is_left_alone() -> None:
    """Addresses and words without a value stay readable."""
    text = "connection to db-1:5432 failed: password authentication failed for user x; see https://example.org/a:b/@c"
    assert redact(text) == text
