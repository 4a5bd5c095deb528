"""Every way into Kafka on a real broker, and the errors of those that do not lead in, which name a setting."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from leadline import logs
from leadline.errors import UnreachableError, UsageError
from leadline.kafka import client_options, publish, reach
from leadline.kafka_errors import reason
from leadline.kafka_token import token_provider
from leadline.settings.common import KafkaSettings, LogSettings
from leadline_agents.channel import KafkaChannel
from leadline_agents.record_times import RecordTimes
from tests.fixtures.certificates import Authority
from tests.fixtures.commands import Run
from tests.fixtures.commands import own_logging as own_logging
from tests.fixtures.commands import run as run
from tests.fixtures.secure_kafka import PASSWORD, SecureKafka, binding
from tests.fixtures.token_endpoint import SECRET
from tests.integration.kafka.conftest import Settings, Ways, loaded
from tests.integration.sinks.kit import CLOCK
from tests.unit.sinks import made

Way = Callable[[Ways], Settings]

WAYS: dict[str, Way] = {
    "tls": lambda ways: ways.tls(),
    "certificate": lambda ways: ways.mutual("agent"),
    "certificate, key with a password": lambda ways: ways.mutual("agent", "open sesame"),
    "plain": lambda ways: ways.password("agent", "PLAIN"),
    "scram": lambda ways: ways.password("agent", "SCRAM-SHA-512"),
    "token": lambda ways: ways.token("agent"),
    "token endpoint": lambda ways: ways.client("agent"),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_way_in(run: Run, ways: Ways, secure: SecureKafka, prefix: str, tmp_path: Path, name: str) -> None:
    """The broker answers, and nothing secret is printed at level debug; the topics are not there."""
    kafka = WAYS[name](ways) | {"topic_prefix": prefix}
    file = tmp_path / "stream.yaml"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"kafka": kafka}))
    logs.start(LogSettings(level="debug"))
    result = run("doctor", "--process", "stream", "-c", file)
    assert result.code == 1
    assert re.search(rf"kafka +answers +ok +at {kafka['bootstrap']}", result.out), result
    printed = result.out + result.err
    token = kafka.get("sasl.oauthbearer.token_file")
    secrets = [PASSWORD, SECRET, "open sesame", *([Path(token).read_text().strip()] if token else [])]
    assert [secret for secret in secrets if secret in printed] == []
    assert "auth=Bearer" not in printed
    assert "level=debug" in result.err


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    """Connections that failed are closed a moment later."""
    yield
    await asyncio.sleep(0.1)


def without(settings: Settings, *names: str) -> Settings:
    return {name: value for name, value in settings.items() if name not in names}


def stranger(ways: Ways) -> Settings:
    certificate, key = Authority(ways.folder, "stranger").certificate("leadline-sink")
    return (
        ways.tls()
        | ways.mutual("agent")
        | {
            "ssl.certificate.location": str(certificate),
            "ssl.key.location": str(key),
        }
    )


WRONG: dict[str, tuple[Way, type[Exception], str]] = {
    "host name": (
        lambda ways: ways.tls() | {"bootstrap": ways.secure.at("TLS", "localhost")},
        UsageError,
        r"a certificate for another name \(.*localhost.*\); set kafka.bootstrap to a name that the certificate has",
    ),
    "authority": (
        lambda ways: without(ways.tls(), "ssl.ca.location"),
        UsageError,
        r"a certificate that is not trusted \(.*\); set kafka.ssl.ca.location",
    ),
    "no certificate": (
        lambda ways: without(ways.mutual("agent"), "ssl.certificate.location", "ssl.key.location"),
        UnreachableError,
        r"closed the connection; .* where it asks for a certificate of the client, set kafka.ssl.certificate.location",
    ),
    "a certificate of somebody else": (
        stranger,
        UnreachableError,
        r"closed the connection; .* that it trusts the CA of kafka.ssl.certificate.location",
    ),
    "password of the key": (
        lambda ways: ways.mutual("agent", "open sesame") | {"ssl.key.password": "close sesame"},
        UsageError,
        r"kafka.ssl.key.location: cannot use .*agent.key: .* or kafka.ssl.key.password is wrong",
    ),
    "password": (
        lambda ways: ways.password("agent", "PLAIN") | {"sasl.password": "wrong"},
        UsageError,
        r"refused the login of 'leadline-agent'; check kafka.sasl.username, kafka.sasl.password",
    ),
    "password, scram": (
        lambda ways: ways.password("agent", "SCRAM-SHA-512") | {"sasl.password": "wrong"},
        UsageError,
        r"refused the login of 'leadline-agent'; check kafka.sasl.username, kafka.sasl.password",
    ),
    "mechanism": (
        lambda ways: ways.password("agent", "SCRAM-SHA-256"),
        UsageError,
        r"does not support kafka.sasl.mechanism SCRAM-SHA-256",
    ),
    "token that has expired": (
        lambda ways: ways.token("agent", lives_s=-60),
        UsageError,
        r"refused the token \(.*\); it expired 6\d s ago by this host's clock; renew kafka.sasl.oauthbearer.token$",
    ),
    "token for somebody else": (
        lambda ways: ways.token("agent", aud="another"),
        UsageError,
        r"refused the token \(.*\); renew kafka.sasl.oauthbearer.token$",
    ),
    "client secret": (
        lambda ways: ways.client("agent") | {"sasl.oauthbearer.client.secret": "wrong"},
        UsageError,
        r"gives no token \(status 401, invalid_client: leadline-agent is not known\); "
        r"check kafka.sasl.oauthbearer.client.id and kafka.sasl.oauthbearer.client.secret",
    ),
    "scope": (
        lambda ways: without(ways.client("agent"), "sasl.oauthbearer.scope"),
        UsageError,
        r"gives no token \(status 400, invalid_scope\); check kafka.sasl.oauthbearer.scope",
    ),
    "endpoint": (
        lambda ways: ways.client("agent") | {"sasl.oauthbearer.token.endpoint.url": f"{ways.endpoint.url}s"},
        UsageError,
        r"gives no token \(status 404\); check kafka.sasl.oauthbearer.token.endpoint.url",
    ),
    "authority of the endpoint": (
        lambda ways: without(ways.client("agent"), "https.ca.location"),
        UsageError,
        r"https://127.0.0.1:\d+/token has a certificate that is not trusted; set kafka.https.ca.location",
    ),
    "nobody at the endpoint": (
        lambda ways: ways.client("agent") | {"sasl.oauthbearer.token.endpoint.url": "https://127.0.0.1:1/token"},
        UnreachableError,
        r"the token endpoint https://127.0.0.1:1/token does not answer",
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_wrong_is_named(ways: Ways, tmp_path: Path, name: str) -> None:
    """The error has the setting, on one line, and nothing secret; an agent that connects says the same."""
    settings, kind, message = WRONG[name]
    kafka = ways.changed(settings)
    with pytest.raises(kind) as caught:
        await reach(kafka)
    assert re.search(message, str(caught.value)), str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("\n", PASSWORD, SECRET, "sesame", "eyJ"))
    with pytest.raises(kind, match=message):
        await KafkaChannel.open(kafka, RecordTimes(CLOCK))


async def test_an_endpoint_that_fails_is_asked_again(ways: Ways, tmp_path: Path) -> None:
    """A failure of the endpoint is no wrong setting: one that is over is forgotten."""
    kafka = loaded(ways.client("agent"), tmp_path)
    ways.endpoint.status = 503
    with pytest.raises(UnreachableError, match=r"the token endpoint .* fails: status 503"):
        await reach(kafka)
    ways.endpoint.status = 200
    await reach(kafka)


async def test_a_token_is_used_again(ways: Ways, tmp_path: Path) -> None:
    """The clients of a process share a token of the endpoint while it is fresh."""
    kafka = loaded(ways.client("agent"), tmp_path)
    for _ in range(3):
        await reach(kafka)
    assert ways.endpoint.asked == 1
    assert token_provider(kafka) is token_provider(loaded(ways.client("agent"), tmp_path))


async def test_a_file_is_read_again(ways: Ways, tmp_path: Path) -> None:
    """A token that was renewed is used at the next connection."""
    kafka = loaded(ways.token("agent", lives_s=-60), tmp_path)
    with pytest.raises(UsageError, match="it expired"):
        await reach(kafka)
    ways.token("agent")
    await reach(kafka)


async def send(kafka: KafkaSettings) -> None:
    channel = await KafkaChannel.open(kafka, RecordTimes(CLOCK))
    try:
        await channel.send(f"{kafka.topic_prefix}samples", b"orders", [(b"{}", [])])
    finally:
        await channel.close()


async def test_a_right_that_is_missing(ways: Ways, secure: SecureKafka, prefix: str, tmp_path: Path) -> None:
    """The topic and what gives the right are named: of a command, and of an agent."""
    for name in ("actions", "samples"):
        secure.create_topic(prefix + name, 1)
    who = "User:leadline-people"
    secure.grant([binding(who, "Describe", "topic", prefix + name) for name in ("actions", "samples")])
    kafka = loaded(ways.token("people") | {"topic_prefix": prefix}, tmp_path)
    with pytest.raises(UsageError, match=rf"does not permit writing to {prefix}actions; grant Write on it"):
        await publish(kafka, "test", made.action())
    for grants, message in (
        ([], "no right to write to any topic; grant what deploy/kafka/acls.sh lists for this role"),
        (
            [binding(who, "Write", "topic", f"{prefix}actions")],
            f"no right to use topic {prefix}samples; grant what deploy/kafka/acls.sh lists for this role",
        ),
    ):
        if grants:
            secure.grant(grants)
        with pytest.raises(KafkaError) as caught:
            await send(kafka)
        assert reason(caught.value) == message


async def test_clients_of_aiokafka_take_the_options(ways: Ways, tmp_path: Path) -> None:
    """Extensions are sent beside the token, and a producer starts with it."""
    kafka = loaded(ways.token("agent") | {"sasl.oauthbearer.extensions": "one=1,two=2"}, tmp_path)
    assert token_provider(kafka).extensions() == {"one": "1", "two": "2"}
    producer = AIOKafkaProducer(**client_options(kafka, "test"))
    await producer.start()
    await producer.stop()
