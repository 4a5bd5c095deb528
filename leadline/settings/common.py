"""Settings of every process: Kafka, metrics, process log."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, field

from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret

_ADDRESS = r"(\[[0-9A-Fa-f:.]+\]|[^\s,:/\[\]]+):[0-9]{1,5}"


class KafkaSettings(Settings, frozen=True, kw_only=True):
    """The connection to Kafka. The security settings have the names of librdkafka."""

    bootstrap: Annotated[
        str,
        Meta(
            pattern=rf"^{_ADDRESS}(, *{_ADDRESS})*$",
            extra={"allowed": "host:port, or several separated by commas"},
            description="Brokers to connect to first.",
        ),
    ] = "localhost:9092"
    topic_prefix: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._-]{0,100}$",
            extra={"allowed": "letters, digits, dots, dashes and underscores"},
            description="Prefix of the names of all topics.",
        ),
    ] = "leadline."
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(description="Whether the connection is encrypted (SSL) and authenticated (SASL)."),
    ] = field(default="PLAINTEXT", name="security.protocol")
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], Meta(description="Mechanism of the authentication.")
    ] = field(default="PLAIN", name="sasl.mechanism")
    sasl_username: (
        Annotated[str, Meta(min_length=1, description="User name of the authentication.", examples=["leadline-agent"])]
        | None
    ) = field(default=None, name="sasl.username")
    sasl_password: (
        Annotated[Secret, Meta(description="The password of `sasl.username`.", examples=["better in a file"])] | None
    ) = field(default=None, name="sasl.password")
    ssl_ca_location: (
        Annotated[
            str,
            Meta(
                description="File (PEM) of trusted CA certificates; by default those of the system.",
                examples=["/etc/leadline/kafka-ca.pem"],
            ),
        ]
        | None
    ) = field(default=None, name="ssl.ca.location")
    ssl_certificate_location: (
        Annotated[str, Meta(description="File (PEM) of the client certificate.", examples=["/etc/leadline/kafka.pem"])]
        | None
    ) = field(default=None, name="ssl.certificate.location")
    ssl_key_location: (
        Annotated[
            str,
            Meta(
                description="File (PEM) of the private key of the client certificate.",
                examples=["/etc/leadline/kafka.key"],
            ),
        ]
        | None
    ) = field(default=None, name="ssl.key.location")
    ssl_key_password: (
        Annotated[
            Secret, Meta(description="Password of the private key, if it has one.", examples=["better in a file"])
        ]
        | None
    ) = field(default=None, name="ssl.key.password")

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """SASL needs a user name and a password; settings of a protocol that is not used are errors."""
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
                yield (
                    (name,),
                    f"not used with security.protocol {protocol}; set that to SASL_SSL, or remove this setting",
                )
        for name, value in ssl.items():
            if not protocol.endswith("SSL") and value is not None:
                yield (name,), f"not used with security.protocol {protocol}; set that to SSL or SASL_SSL"
        if protocol.endswith("SSL") and (self.ssl_certificate_location is None) != (self.ssl_key_location is None):
            lacking = "ssl.key.location" if self.ssl_key_location is None else "ssl.certificate.location"
            yield (lacking,), "missing; a certificate needs its key"


class MetricsSettings(Settings, frozen=True, kw_only=True):
    """The HTTP endpoint from which Prometheus reads this process's metrics."""

    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 means off.")] = 0
    address: Annotated[str, Meta(min_length=1, description="Address to listen on.")] = "127.0.0.1"


class LogSettings(Settings, frozen=True, kw_only=True):
    """The process log on standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Lowest level of the messages that are written.")
    ] = "info"
    format: Annotated[
        Literal["text", "json"], Meta(description="`text`: name=value pairs for people; `json`: one object per line.")
    ] = "text"
