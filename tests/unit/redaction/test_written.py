"""Secrets in every form in which programs write them are masked, and text without a secret is not.

Reports of such leaks: https://github.com/stellar/stellar-core/issues/2234 (the characters of an unquoted password),
https://github.com/psycopg/psycopg2/issues/1837 (a URL in an exception) and https://github.com/reorg/pg_repack/issues/382
(the second word of a password).
"""

import json
import shlex
from collections.abc import Callable
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from psycopg import OperationalError, ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadline.redaction.redact import redact

MARK = "s3cr3t"
PLAIN = st.text(st.sampled_from("abcXYZ019-_.~+/=%&@:#!?*"), max_size=20)
ANY = st.text(st.sampled_from("abcXYZ019-_.~+/=%&@:#!?* '\"\\$"), max_size=20)
NAMES = (
    "password",
    "PGPASSWORD",
    "sslpassword",
    "sasl.password",
    "slack_token",
    "client_secret",
    "routing_key",
    "api-key",
)

Writer = Callable[[str, str], str]


def literal(text: str) -> str:
    """A string of SQL."""
    return "'" + text.replace("'", "''") + "'"


def dsn(name: str, secret: str) -> str:
    """A connection string, as psycopg writes it."""
    return make_conninfo(host="db-1", user="leadline", password=secret, dbname="app")


QUOTED: dict[str, Writer] = {
    "conninfo": dsn,
    "conninfo, the last in it": lambda name, secret: f"host=db-1 {make_conninfo(password=secret)}",
    "conninfo in SQL": lambda name, secret: (
        f"CREATE SUBSCRIPTION s CONNECTION {literal(dsn(name, secret))} PUBLICATION p"
    ),
    "a parameter of the server": lambda name, secret: f"primary_conninfo = {literal(dsn(name, secret))} # standby",
    "SQL": lambda name, secret: f"ALTER ROLE leadline PASSWORD {literal(secret)} VALID UNTIL 'infinity'",
    "SQL of MySQL": lambda name, secret: (
        f"CREATE USER 'x'@'%' IDENTIFIED WITH mysql_native_password BY {literal(secret)}"
    ),
    "JSON": lambda name, secret: json.dumps({name: secret, "user": "x"}),
    "JSON in JSON": lambda name, secret: json.dumps({"message": json.dumps({name: secret, "user": "x"})}),
    "Python": lambda name, secret: repr({name: secret, "user": "x"}),
    "Python bytes": lambda name, secret: repr({name: secret.encode(), "user": "x"}),
    "environment": lambda name, secret: f"{name.replace('.', '_')}={shlex.quote('x ' + secret)} leadline agent",
    "YAML": lambda name, secret: yaml.safe_dump({name: secret + "'"}, default_style='"', width=10_000),
    "URL": lambda name, secret: f"connecting to postgresql://u:{quote(secret, safe='')}@db-1:5432/app failed",
    "parameter of a URL": lambda name, secret: f"GET https://x/?{name}={quote(secret, safe='')}&page=1 HTTP/1.1",
}
"""Writers of any secret; those of SQL where backslashes are no escapes get none, nor what ends in a quote."""
UNQUOTED: dict[str, Writer] = {
    "conninfo": lambda name, secret: f"host=db-1 {name}={secret} user=x",
    "a line of settings": lambda name, secret: f"{name}: {secret}\nuser: x",
    "header": lambda name, secret: f"GET / HTTP/1.1\r\nX-{name}: {secret}\r\nHost: x",
    "header of a login": lambda name, secret: f"Authorization: Bearer {secret}\r\nHost: x",
    "URL as typed": lambda name, secret: f"postgresql://u:{secret}@db-1:5432/app",
    "environment": lambda name, secret: f"docker run -e {name}={secret} leadline",
    "option": lambda name, secret: f"psql --{name} {secret} -c x",
    "option with a value": lambda name, secret: f"psql --{name}={secret} -c x",
    "JAAS": lambda name, secret: f'PlainLoginModule required username="u" password="{secret}";',
    "Slack": lambda name, secret: f"POST https://hooks.slack.com/services/T0/B0/{secret} 404",
    "Discord": lambda name, secret: f"POST https://discord.com/api/webhooks/17/{secret} 404",
    "Teams": lambda name, secret: f"POST https://x.webhook.office.com/webhookb2/{secret} 404",
    "verifier": lambda name, secret: f"rolpassword | SCRAM-SHA-256$4096:{secret}${secret}:{secret}",
    "cookie": lambda name, secret: f"Set-Cookie: session={secret}; HttpOnly\r\nHost: x",
}


@pytest.mark.parametrize("form", QUOTED)
@given(name=st.sampled_from(NAMES), middle=ANY)
def test_a_secret_of_any_characters_is_masked(form: str, name: str, middle: str) -> None:
    """Neither its beginning nor its end is left, whatever it has between them, quotes and spaces too."""
    if "SQL" in form:
        middle = middle.replace("\\", "")
    text = QUOTED[form](name, f"{MARK}{middle}{MARK}")
    assert MARK in text
    assert MARK not in redact(text)


@pytest.mark.parametrize("form", UNQUOTED)
@given(name=st.sampled_from(NAMES), middle=PLAIN)
def test_a_secret_that_stands_without_quotes_is_masked(form: str, name: str, middle: str) -> None:
    """As people and other programs write them."""
    text = UNQUOTED[form](name, f"{MARK}{middle}{MARK}")
    masked = redact(text)
    assert MARK not in masked
    assert masked.split()[0] == text.split()[0] or text.startswith((name, "postgresql:"))


@pytest.mark.parametrize(
    "typed",
    [
        f"postgres:/leadline:{MARK}@db-1/app",  # one slash
        f"host=my-host.com password=alpha {MARK} charlie",  # spaces without quotes
        f"postgresql+asyncpg://myuser:{MARK}@somehost.example:5432/dbname",
        f"postgresql://leadline:x%zz{MARK}@db-1/app",  # a % that is not encoded
        f"postgresql://leadline:x@[db-1/{MARK}",
        f"postgresql://leadline@db-1/app?{MARK}",
    ],
)
def test_what_libpq_cannot_read_of_a_connection_string_is_masked(typed: str) -> None:
    """Its messages quote the part that is wrong."""
    with pytest.raises((OperationalError, ProgrammingError)) as raised:
        conninfo_to_dict(typed)
    assert MARK in str(raised.value)
    assert MARK not in redact(str(raised.value))


WORDS = st.from_regex(r"[a-z][a-z0-9_-]{0,12}", fullmatch=True)


@pytest.mark.parametrize(
    "text",
    [
        'parameter "password_encryption" changed to "{}"',
        "password_encryption = {}",
        'FATAL: password authentication failed for user "{}"',
        "passfile=/root/{} sslmode=require",
        "PGPASSFILE=/etc/{}/pgpass",
        "kafka.sasl.password_file: cannot read the secret in /etc/{}",
        'DETAIL:  Token "{}" is invalid.',
        "max_tokens of {} reached: tokens: 5",
        "primary_key: {}",
        "key {} of partition 3 at offset 17",
        "postgresql://{}@db-1:5432/app?sslmode=require",
        "https://{}:8443/a/b, and ada@example.org",
        "https://hooks.slack.com/ answers {}",
        "the header leadline-signature is not of the key of cluster {}",
        "identified by {} and by its system identifier",
        "the authorization of {} is missing",
        "the bearer of {} has no rights",
        "--interval 5 --cluster {}",
        "SCRAM-SHA-256 is not what {} asks for",
        "md5 authentication of {}",
        "no cookie for {}",
        'missing "=" in {}',
        "invalid integer value of {}",
        "slot {} retains 5 MB; restart_lsn = 0/3000000, 3E/AF000028",
    ],
)
@given(word=WORDS, other=WORDS)
def test_text_without_a_secret_is_left_alone(text: str, word: str, other: str) -> None:
    """Names that contain that of a secret, and messages about secrets."""
    line = f"{other} {text.format(word)} {other}"
    assert redact(line) == line
