"""Each form in which a secret is met is masked, alone and in a line of a server log, and lines without one are kept.

Reports of such leaks: https://github.com/cloudnative-pg/cloudnative-pg/issues/9799 (a statement that failed),
https://github.com/pgaudit/pgaudit/issues/201 (a connection string in an argument),
https://github.com/prometheus/alertmanager/pull/1822 (the URL of a webhook in an error),
https://github.com/philips-software/go-hsdp-api/issues/53 (a part of a password with special characters) and
https://github.com/elastic/elasticsearch/pull/58650 (a connection string that cannot be parsed).
"""

import pytest

from leadline.redaction.redact import redact
from tests.unit.redaction.forms import FORMS, SECRET, TOKENS


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_in_a_form_that_is_known(form: str) -> None:
    """Nothing of it is left; what is masked stays as it is when it is masked again."""
    masked = redact(FORMS[form])
    assert SECRET in FORMS[form]
    assert SECRET not in masked
    assert redact(masked) == masked


@pytest.mark.parametrize("form", TOKENS)
def test_a_secret_by_its_own_form(form: str) -> None:
    """Tokens of vendors, and encoded values."""
    text, secret = TOKENS[form]
    assert secret in text
    assert secret not in redact(text)


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_in_a_server_log(form: str) -> None:
    """The beginning of the line is kept, and so is the line before."""
    before = "2026-12-01 04:30:12.001 UTC [4711] LOG:  slot pg_2 is at 0/3000148\nERROR:  it failed:\n"
    masked = redact(f"{before}{FORMS[form]}")
    assert SECRET not in masked
    assert masked.startswith(before.rstrip())


@pytest.mark.parametrize(
    "line",
    [
        'FATAL:  password authentication failed for user "leadline"',
        'DETAIL:  Connection matched file "/etc/postgresql/pg_hba.conf" line 12: "host all all 0/0 scram-sha-256"',
        "LOG:  connection authorized: user=leadline database=app application_name=psql SSL enabled (protocol=TLSv1.3)",
        "LOG:  started streaming WAL from primary at 3E/AF000000 on timeline 4",
        "STATEMENT:  SELECT id, password FROM users WHERE token = $1 AND secret IS NOT NULL ORDER BY password",
        "SELECT u.token FROM t JOIN u ON u.id = t.token_id WHERE t.passwords > 5 AND password::text = $2",
        'ERROR:  column "password" of relation "users" does not exist',
        'ERROR:  duplicate key value violates unique constraint "tokens_pkey"',
        "commit 2b3ecd26f0a1c5d9e8b7a6f5e4d3c2b1a0f9e8d7 Accept two secrets while one is replaced",
        "0123456789abcdef0123456789abcdef  wal/000000010000003E000000AF",
        "psql -h db-1 -p 5432 -U leadline -d app",
        "pg_basebackup -h db-1 -p 5433 -D /var/lib/postgresql -X stream -R",
        "DETAIL:  Key (id)=(5) already exists.",
        "unrecognized token: 5",
        "https://[2001:db8::1]:8443/a, see https://example.org/a:b/@c",
        "10.0.0.1:9092,10.0.0.2:9092 of SASL_SSL://db-1.example.org:9093",
        "2026-12-01T04:30:12:001:x:y is no time",
        "node orders/pg-1 replays 0/3000148 and is 5.2 s late; key orders of partition 3",
        "ll_password_seconds_total 5",
        "first pass: done, second pass 3 of 5",
        "the cookie expired; basic authentication is off",
        "a -----BEGIN CERTIFICATE----- without a key",
    ],
)
def test_lines_without_a_secret(line: str) -> None:
    """Of server logs, statements, commands and Leadline's own messages."""
    assert redact(line) == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:p/w@d#1%40@[::1]:5432/app", "postgresql://u:***@[::1]:5432/app"),
        ("GET /x?a=1&token=abc&page=2 HTTP/1.1", "GET /x?a=1&token=***&page=2 HTTP/1.1"),
        ('{"password": "a", "user": "x"}', '{"password": ***, "user": "x"}'),
        ('{"password": "", "user": "x"}', '{"password": "", "user": "x"}'),
        ("primary_conninfo = 'host=a password=''b c'' user=x'", "primary_conninfo = 'host=a password=*** user=x'"),
        ("ALTER ROLE x PASSWORD 'a''b' VALID UNTIL 'infinity'", "ALTER ROLE x PASSWORD *** VALID UNTIL 'infinity'"),
        ("Authorization: Basic YWJj\r\nHost: x", "Authorization: Basic ***\r\nHost: x"),
        ("mysql -u x -pabc -h y", "mysql -u x -p*** -h y"),
        ("leadline:abc@tcp(db-1:3306)/app", "leadline:***@tcp(db-1:3306)/app"),
        ('could not translate host name "w@rd@db-1" to address', 'could not translate host name "***@db-1" to address'),
        ("DETAIL:  Key (api_token)=(abc) already exists.", "DETAIL:  Key (api_token)=(***) already exists."),
        ("password='a' 'b'", "password=*** 'b'"),
    ],
)
def test_what_stands_around_a_secret_is_kept(text: str, shown: str) -> None:
    """So that the message can still be understood."""
    assert redact(text) == shown
