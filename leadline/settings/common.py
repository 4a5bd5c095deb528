"""What every process has: Kafka, metrics, log."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, field

from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret

_ADDRESS = r"(\[[0-9A-Fa-f:.]+\]|[^\s,:/\[\]]+):[0-9]{1,5}"


class KafkaSettings(Settings, frozen=True, kw_only=True):
    """Where Kafka is and how to get in. The settings for security carry librdkafka's names."""

    bootstrap: Annotated[
        str,
        Meta(
            pattern=rf"^{_ADDRESS}(, *{_ADDRESS})*$",
            extra={"allowed": "host:port, or several separated by commas"},
            description="Brokers to ask first.",
        ),
    ] = "localhost:9092"
    topic_prefix: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._-]{0,100}$",
            extra={"allowed": "letters, digits, dots, dashes and underscores"},
            description="What the names of all topics begin with.",
        ),
    ] = "leadline."
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(description="Whether the connection is encrypted (SSL) and whether we log in (SASL)."),
    ] = field(default="PLAINTEXT", name="security.protocol")
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], Meta(description="How we log in.")
    ] = field(default="PLAIN", name="sasl.mechanism")
    sasl_username: (
        Annotated[str, Meta(min_length=1, description="Who we log in as.", examples=["leadline-agent"])] | None
    ) = field(default=None, name="sasl.username")
    sasl_password: (
        Annotated[Secret, Meta(description="The password of `sasl.username`.", examples=["in a file, better"])] | None
    ) = field(default=None, name="sasl.password")
    ssl_ca_location: (
        Annotated[
            str,
            Meta(
                description="File (PEM) of whom we trust; else the system's.", examples=["/etc/leadline/kafka-ca.pem"]
            ),
        ]
        | None
    ) = field(default=None, name="ssl.ca.location")
    ssl_certificate_location: (
        Annotated[str, Meta(description="File (PEM) of our own certificate.", examples=["/etc/leadline/kafka.pem"])]
        | None
    ) = field(default=None, name="ssl.certificate.location")
    ssl_key_location: (
        Annotated[str, Meta(description="File (PEM) of that certificate's key.", examples=["/etc/leadline/kafka.key"])]
        | None
    ) = field(default=None, name="ssl.key.location")
    ssl_key_password: (
        Annotated[Secret, Meta(description="The password of that key, if it has one.", examples=["in a file, better"])]
        | None
    ) = field(default=None, name="ssl.key.password")

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Logging in needs a name and a password; settings of a protocol that is not used are mistakes."""
        sasl = {"sasl.username": self.sasl_username, "sasl.password": self.sasl_password}
        ssl = {
            "ssl.ca.location": self.ssl_ca_location,
            "ssl.certificate.location": self.ssl_certificate_location,
            "ssl.key.location": self.ssl_key_location,
            "ssl.key.password": self.ssl_key_password,
        }
        protocol = self.security_protocol
        for name, value in sasl.items():
            if protocol.startswith("SASL") and value is None:
                yield (name,), f"missing; security.protocol {protocol} needs it"
            if not protocol.startswith("SASL") and value is not None:
                yield (name,), f"not used with security.protocol {protocol}; set that to SASL_SSL, or leave this out"
        for name, value in ssl.items():
            if not protocol.endswith("SSL") and value is not None:
                yield (name,), f"not used with security.protocol {protocol}; set that to SSL or SASL_SSL"
        if protocol.endswith("SSL") and (self.ssl_certificate_location is None) != (self.ssl_key_location is None):
            lacking = "ssl.key.location" if self.ssl_key_location is None else "ssl.certificate.location"
            yield (lacking,), "missing; a certificate and its key go together"


class MetricsSettings(Settings, frozen=True, kw_only=True):
    """The HTTP endpoint from which Prometheus reads this process's metrics."""

    port: Annotated[int, Meta(ge=0, le=65535, description="Where it listens; 0 is off.")] = 0
    address: Annotated[str, Meta(min_length=1, description="On which address.")] = "127.0.0.1"


class LogSettings(Settings, frozen=True, kw_only=True):
    """What is written to standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least important messages that are written.")
    ] = "info"
    format: Annotated[
        Literal["text", "json"], Meta(description="`text`: name=value pairs for people; `json`: one object a line.")
    ] = "text"
