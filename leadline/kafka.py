"""Kafka settings as client options, single writes, and errors that name the setting to correct."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypedDict

from leadline.errors import UnreachableError, UsageError
from leadline.settings.common import KafkaSettings

if TYPE_CHECKING:
    from ssl import SSLContext

    from leadline.kafka_token import TokenProvider
    from leadline.wire import Addressed

CONNECT_TIMEOUT_S = 5.0
PUBLISH_S = 10.0
CLOSE_S = 1.0


def servers(kafka: KafkaSettings) -> list[str]:
    """The bootstrap addresses, one ``host:port`` each."""
    return [address.strip() for address in kafka.bootstrap.split(",")]


def client_options(kafka: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Options of every aiokafka client. Raises UsageError when a certificate file cannot be used."""
    options: dict[str, Any] = {
        "bootstrap_servers": servers(kafka),
        "client_id": client_id,
        "security_protocol": kafka.security_protocol,
        "ssl_context": ssl_context(kafka),
    }
    if kafka.uses_tokens:
        from leadline.kafka_token import token_provider

        options |= {"sasl_mechanism": kafka.sasl_mechanism, "sasl_oauth_token_provider": token_provider(kafka)}
    elif kafka.sasl_password is not None:
        options |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": kafka.sasl_password.reveal(),
        }
    return options


def producer_options(kafka: KafkaSettings, client_id: str) -> dict[str, Any]:
    """For ``AIOKafkaProducer``: a record is written once, in order, to all in-sync replicas, or an error is raised."""
    return client_options(kafka, client_id) | {"enable_idempotence": True, "acks": "all"}


def consumer_options(kafka: KafkaSettings, client_id: str, group_id: str | None = None) -> dict[str, Any]:
    """Options of ``AIOKafkaConsumer``: it starts at the beginning where nothing is committed; the caller commits."""
    options = {"group_id": group_id, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    return client_options(kafka, client_id) | options


class FaustOptions(TypedDict):
    """Options of ``faust.App`` to reach Kafka."""

    broker: list[str]
    ssl_context: "SSLContext | None"
    """For ``SSLCredentials`` or ``SASLCredentials``."""
    sasl: dict[str, str] | None
    """``mechanism``, ``username`` and ``password`` of ``SASLCredentials``."""
    tokens: "TokenProvider | None"
    """For ``OAuthCredentials``."""


def faust_options(kafka: KafkaSettings) -> FaustOptions:
    """The same as ``client_options`` in the form of Faust."""
    sasl, tokens = None, None
    if kafka.uses_tokens:
        from leadline.kafka_token import token_provider

        tokens = token_provider(kafka)
    elif kafka.sasl_username is not None and kafka.sasl_password is not None:
        sasl = {
            "mechanism": kafka.sasl_mechanism,
            "username": kafka.sasl_username,
            "password": kafka.sasl_password.reveal(),
        }
    return {
        "broker": [f"kafka://{server}" for server in servers(kafka)],
        "ssl_context": ssl_context(kafka),
        "sasl": sasl,
        "tokens": tokens,
    }


def ssl_context(kafka: KafkaSettings) -> "SSLContext | None":
    """The TLS context; None for an unencrypted connection. Host names are always verified."""
    if not kafka.security_protocol.endswith("SSL"):
        return None
    context = trusting("ssl.ca.location", kafka.ssl_ca_location)
    if kafka.ssl_certificate_location is not None:
        _identify(context, kafka, kafka.ssl_certificate_location)
    return context


def trusting(name: str, file: str | None) -> "SSLContext":
    """A context that trusts the CAs of a file, by default those of the system. Raises UsageError with the setting."""
    from ssl import SSLError, create_default_context

    try:
        return create_default_context(cafile=file)
    except SSLError as error:
        raise UsageError(f"kafka.{name}: cannot use {file}: {error.reason or 'not a PEM certificate'}") from None
    except OSError as error:
        raise UsageError(f"kafka.{name}: cannot read {file}: {error.strerror}") from None


def _identify(context: "SSLContext", kafka: KafkaSettings, certificate: str) -> None:
    """Show a client certificate to brokers that ask for one. Raises UsageError."""
    from ssl import SSLError

    trusting("ssl.certificate.location", certificate)  # it can be read, and is one
    password = kafka.ssl_key_password.reveal() if kafka.ssl_key_password else ""
    try:
        context.load_cert_chain(certificate, kafka.ssl_key_location, password)
    except SSLError:
        raise UsageError(
            f"kafka.ssl.key.location: cannot use {kafka.ssl_key_location}: it is not the key of {certificate}, "
            "or kafka.ssl.key.password is wrong"
        ) from None
    except OSError as error:
        raise UsageError(f"kafka.ssl.key.location: cannot read {kafka.ssl_key_location}: {error.strerror}") from None


async def publish(kafka: KafkaSettings, client_id: str, value: "Addressed") -> None:
    """Write one value to its topic and wait for the acknowledgement.

    Raises UnreachableError, or UsageError without the right to write.
    """
    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import ClusterAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

    from leadline.signature import Signer
    from leadline.wire import OBSERVATIONS, outgoing

    await reach(kafka)
    record = outgoing(value, kafka.topic_prefix)
    if record.topic == kafka.topic_prefix + OBSERVATIONS.name:
        record = Signer(kafka.signing_secret).sign(record)
    producer = AIOKafkaProducer(**producer_options(kafka, client_id))
    try:
        async with asyncio.timeout(PUBLISH_S):
            await producer.start()
            await producer.send_and_wait(record.topic, record.value, record.key, headers=record.headers)
    except (ClusterAuthorizationFailedError, TopicAuthorizationFailedError):  # the first: no Write on any topic
        raise UsageError(
            f"Kafka at {kafka.bootstrap} does not permit writing to {record.topic}; grant Write on it"
        ) from None
    except (KafkaError, TimeoutError) as error:
        why = (
            str(error)
            or f"no acknowledgement in {PUBLISH_S:g} s; check that the topic exists: `leadline topics describe`"
        )
        raise UnreachableError(f"Kafka at {kafka.bootstrap}: nothing was written to {record.topic}: {why}") from None
    finally:
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await producer.stop()


async def reach(kafka: KafkaSettings) -> str:
    """Connect and log in to the first broker that accepts; return its address.

    Raises UnreachableError when none answers, UsageError when one answers and rejects the settings.
    """
    from aiokafka.conn import collect_hosts, create_conn
    from aiokafka.protocol.metadata import MetadataRequest

    from leadline.kafka_explain import explain
    from leadline.kafka_token import TokenError, token_provider

    options = client_options(kafka, "leadline-reach")
    failed: dict[str, Exception] = {}
    if kafka.uses_tokens:
        try:
            await token_provider(kafka).token()
        except TokenError as error:
            raise explain(kafka, {kafka.bootstrap: error}) from None
    for server in options.pop("bootstrap_servers"):
        ((host, port, _),) = collect_hosts(server)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                connection = await create_conn(host, port, **options)
                try:
                    await connection.send(MetadataRequest([]))  # the first request that a listener with SASL rejects
                finally:
                    closed = connection.close()
            await asyncio.wait({closed}, timeout=CLOSE_S)
        except Exception as error:  # another program may listen on that port
            failed[server] = error
        else:
            return str(server)
    raise explain(kafka, failed)
