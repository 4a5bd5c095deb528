"""Kafka settings as client options."""

import inspect

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from leadline.errors import UsageError
from leadline.kafka import consumer_options, faust_options, producer_options
from leadline.kafka_token import expires, token_provider
from leadline.settings.common import KafkaSettings
from leadline.settings.secret import Secret

SASL = {"sasl_username": "agent", "sasl_password": Secret("hunter2"), "sasl_mechanism": "SCRAM-SHA-512"}
TOKEN = {"sasl_oauthbearer_token": Secret("hunter.two"), "sasl_mechanism": "OAUTHBEARER"}


def test_plain_options() -> None:
    """Without security only the addresses and our name are passed on, and what makes writing safe."""
    options = producer_options(KafkaSettings(bootstrap="a:1, b:2"), "us")
    assert options["bootstrap_servers"] == ["a:1", "b:2"]
    assert (options["security_protocol"], options["ssl_context"]) == ("PLAINTEXT", None)
    assert (options["enable_idempotence"], options["acks"], options["client_id"]) == (True, "all", "us")
    assert not any(name.startswith("sasl") for name in options)


def test_options_are_options_of_the_clients() -> None:
    """Each option that we make is a parameter of the client it is for."""
    kafka = KafkaSettings(security_protocol="SASL_PLAINTEXT", **SASL)
    assert producer_options(kafka, "us").keys() <= inspect.signature(AIOKafkaProducer).parameters.keys()
    assert consumer_options(kafka, "us", "group").keys() <= inspect.signature(AIOKafkaConsumer).parameters.keys()


def test_login_and_encryption() -> None:
    """The password is revealed to the client only, and hosts are always checked."""
    kafka = KafkaSettings(security_protocol="SASL_SSL", **SASL)
    options = consumer_options(kafka, "us", "group")
    assert (options["sasl_mechanism"], options["sasl_plain_username"]) == ("SCRAM-SHA-512", "agent")
    assert options["sasl_plain_password"] == "hunter2"
    assert options["ssl_context"].check_hostname
    assert (options["group_id"], options["enable_auto_commit"]) == ("group", False)


def test_faust_options() -> None:
    """Faust gets the same in its own form: URLs, and the parts of its credentials."""
    plain = faust_options(KafkaSettings(bootstrap="a:1,[::1]:2"))
    assert plain == {"broker": ["kafka://a:1", "kafka://[::1]:2"], "ssl_context": None, "sasl": None, "tokens": None}
    login = faust_options(KafkaSettings(security_protocol="SASL_SSL", **SASL))
    assert login["sasl"] == {"mechanism": "SCRAM-SHA-512", "username": "agent", "password": "hunter2"}
    assert login["ssl_context"] is not None
    token = faust_options(KafkaSettings(security_protocol="SASL_SSL", **TOKEN))
    assert (token["sasl"], token["tokens"]) == (
        None,
        token_provider(KafkaSettings(security_protocol="SASL_SSL", **TOKEN)),
    )


async def test_a_token_login() -> None:
    """The clients ask for the token themselves, each time they connect; they get no user name."""
    options = consumer_options(KafkaSettings(security_protocol="SASL_SSL", **TOKEN), "us", "group")
    assert options["sasl_mechanism"] == "OAUTHBEARER"
    assert await options["sasl_oauth_token_provider"].token() == "hunter.two"
    assert not any(name.startswith("sasl_plain") for name in options)
    assert options.keys() <= inspect.signature(AIOKafkaConsumer).parameters.keys()


@pytest.mark.parametrize(
    ("token", "ends"),
    [
        ("e30.eyJleHAiOjEyfQ.sig", 12.0),
        ("e30.eyJleHAiOiJuZXZlciJ9.sig", None),
        ("e30.W10.sig", None),
        ("e30.e30.sig", None),
        ("opaque", None),
        ("a.b.c", None),
        ("a.\u00e9.c", None),
        ("", None),
    ],
)
def test_the_end_of_a_token(token: str, ends: float | None) -> None:
    """It is read where a token states it, and not known of any other."""
    assert expires(token) == ends


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ssl_ca_location": "/nowhere/ca.pem"}, "kafka.ssl.ca.location: cannot read /nowhere/ca.pem: No such file"),
        ({"ssl_ca_location": __file__}, f"kafka.ssl.ca.location: cannot use {__file__}: "),
        (
            {"ssl_certificate_location": __file__, "ssl_key_location": __file__},
            f"kafka.ssl.certificate.location: cannot use {__file__}: ",
        ),
    ],
)
def test_unusable_certificates(settings: dict[str, str], message: str) -> None:
    """A file that is missing or holds no certificate is named with its setting."""
    with pytest.raises(UsageError) as caught:
        producer_options(KafkaSettings(security_protocol="SSL", **settings), "us")
    assert str(caught.value).startswith(message)
