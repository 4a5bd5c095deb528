"""Secrets are not seen, unless revealed."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import UsageError
from leadline.redaction.redact import redact
from leadline.settings.secret import Secret


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
        "postgresql://root:hunter2/hunter2@db-1/postgres",
        "amqp://:hunter2:hunter2@db-1",
        "PGPASSWORD=hunter2 psql -h db-1",
        "LEADLINE_KAFKA_SASL_PASSWORD='hunter2' leadline agent",
        "sasl.password: hunter2",
        '{"password": "hunter2 \\" hunter2", "user": "x"}',
        "{'pwd': 'hunter2'}",
        "ALTER ROLE x PASSWORD 'hunter2''hunter2'",
        "passphrase=hunter2",
        "routing_key: hunter2",
        "Routing key: hunter2",
        "aws_secret_access_key = hunter2",
        "X-Api-Key: hunter2",
        "Authorization: Bearer hunter2hunter2",
        "Proxy-Authorization: Basic hunter2hunter2==",
        "xoxb-hunter2-hunter2",
        "xapp-1-hunter2",
        "https://hooks.slack.com/services/T0/B0/hunter2",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\nhunter2\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2",
    ],
)
def test_passwords_in_foreign_text_are_masked(text: str) -> None:
    """Messages of servers and libraries may quote a connection string."""
    assert "hunter2" not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "connection to db-1:5432 failed: password authentication failed for user x; see https://example.org/a:b/@c",
        "no password supplied",
        "the token expired, basic authentication is off, and the bearer is absent",
        "slot pg_2 on pg-1 retains 5 MB; restart_lsn = 0/3000000",
        "https://hooks.slack.com answers 404",
        "LEADLINE_SLACK_TOKEN is not set",
        "sink.yaml:3: webhook.signing_key: missing; requests are signed",
        "sink.yaml:4: slack.token: not a token of a bot; it begins with xoxb",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    """Addresses and words without a value stay readable."""
    assert redact(text) == text


SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="'\"\\"), min_size=8, max_size=40
).map("s3cr3t{}".format)


@pytest.mark.parametrize(
    "form",
    [
        "could not connect to postgresql://leadline:{}@db-1:5432/app: refused",
        "host=db-1 password='{}' user=x",
        'password="{}"',
        "PGPASSWORD={} psql",
        'LEADLINE_PAGERDUTY_ROUTING_KEY="{}"',
        '{{"sasl.password":"{}","x":1}}',
        "ALTER ROLE x PASSWORD '{}'",
        "token: {}",
        "https://hooks.slack.com/services/T0/B0/{}",
    ],
)
@given(secret=SECRETS)
def test_any_secret_in_a_known_form_is_masked(form: str, secret: str) -> None:
    """Whatever characters it has; without the quotes that would end it."""
    masked = redact(f"before {form.format(secret)} after")
    assert secret not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("new\nold\n", ("new", "old")),
        ("one", ("one",)),
        ("new\r\n\r\nold\r\n", ("new", "old")),
        (" spaced ", (" spaced ",)),
    ],
)
def test_two_values_while_one_is_replaced(tmp_path: Path, content: str, values: tuple[str, ...]) -> None:
    """One on each line; whoever needs one has the whole."""
    file = tmp_path / "secret"
    file.write_bytes(content.encode())
    assert Secret.in_file(file).each() == values
