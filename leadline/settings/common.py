"""Settings of every process: Kafka, metrics, process log."""

from collections.abc import Iterator, Mapping
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
    signing_secret: (
        Annotated[
            Secret,
            Meta(
                description="Secret from which the keys of the clusters are made. `leadline stream` then judges only "
                "observations that the key of their cluster signed; `leadline nodes retire`, and an agent without "
                "`signing_key`, sign with it. While it is replaced: the new one and the old one, with a space between.",
                examples=["better in a file"],
            ),
        ]
        | None
    ) = None
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(description="Whether the connection is encrypted (SSL) and authenticated (SASL)."),
    ] = field(default="PLAINTEXT", name="security.protocol")
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"],
        Meta(description="Mechanism of the authentication."),
    ] = field(default="PLAIN", name="sasl.mechanism")
    sasl_username: (
        Annotated[str, Meta(min_length=1, description="User name of the authentication.", examples=["leadline-agent"])]
        | None
    ) = field(default=None, name="sasl.username")
    sasl_password: (
        Annotated[Secret, Meta(description="The password of `sasl.username`.", examples=["better in a file"])] | None
    ) = field(default=None, name="sasl.password")
    sasl_oauthbearer_token: (
        Annotated[
            Secret,
            Meta(
                description="Token for mechanism OAUTHBEARER. A file is read again at each connection: it may be "
                "renewed by another program.",
                examples=["better in a file"],
            ),
        ]
        | None
    ) = field(default=None, name="sasl.oauthbearer.token")
    sasl_oauthbearer_token_endpoint_url: (
        Annotated[
            str,
            Meta(
                pattern=r"^https://[^\s/@]+(/[^\s]*)?$",
                extra={"allowed": "an address that begins with https://"},
                description="Token endpoint, which gives tokens to `sasl.oauthbearer.client.id`. It needs the extra "
                "`oauth` of the package.",
                examples=["https://login.example.com/oauth2/token"],
            ),
        ]
        | None
    ) = field(default=None, name="sasl.oauthbearer.token.endpoint.url")
    sasl_oauthbearer_client_id: (
        Annotated[str, Meta(min_length=1, description="Client ID at the token endpoint.", examples=["leadline-agent"])]
        | None
    ) = field(default=None, name="sasl.oauthbearer.client.id")
    sasl_oauthbearer_client_secret: (
        Annotated[
            Secret, Meta(description="The secret of `sasl.oauthbearer.client.id`.", examples=["better in a file"])
        ]
        | None
    ) = field(default=None, name="sasl.oauthbearer.client.secret")
    sasl_oauthbearer_scope: (
        Annotated[str, Meta(min_length=1, description="Scope to ask the token endpoint for.", examples=["kafka"])]
        | None
    ) = field(default=None, name="sasl.oauthbearer.scope")
    sasl_oauthbearer_extensions: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z]+=[^,=\s]+(,[A-Za-z]+=[^,=\s]+)*$",
                extra={"allowed": "name=value, or several separated by commas"},
                description="Sent to the broker beside the token.",
                examples=["logicalCluster=lkc-1,identityPoolId=pool-1"],
            ),
        ]
        | None
    ) = field(default=None, name="sasl.oauthbearer.extensions")
    https_ca_location: (
        Annotated[
            str,
            Meta(
                description="File (PEM) of trusted CAs of the token endpoint; by default those of the system.",
                examples=["/etc/leadline/login-ca.pem"],
            ),
        ]
        | None
    ) = field(default=None, name="https.ca.location")
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

    @property
    def uses_tokens(self) -> bool:
        """Does a login need a token?"""
        return self.security_protocol.startswith("SASL") and self.sasl_mechanism == "OAUTHBEARER"

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """SASL needs what its mechanism presents; settings of what is not used are errors."""
        protocol, mechanism = self.security_protocol, self.sasl_mechanism
        sasl, tokens = protocol.startswith("SASL"), mechanism == "OAUTHBEARER"
        login: dict[str, object] = {"sasl.username": self.sasl_username, "sasl.password": self.sasl_password}
        client: dict[str, object] = {
            "sasl.oauthbearer.token.endpoint.url": self.sasl_oauthbearer_token_endpoint_url,
            "sasl.oauthbearer.client.id": self.sasl_oauthbearer_client_id,
            "sasl.oauthbearer.client.secret": self.sasl_oauthbearer_client_secret,
        }
        others: dict[str, object] = {
            "sasl.oauthbearer.scope": self.sasl_oauthbearer_scope,
            "https.ca.location": self.https_ca_location,
        }
        given: dict[str, object] = {"sasl.oauthbearer.token": self.sasl_oauthbearer_token}
        own = given | {"sasl.oauthbearer.extensions": self.sasl_oauthbearer_extensions}
        ssl = {
            "ssl.ca.location": self.ssl_ca_location,
            "ssl.certificate.location": self.ssl_certificate_location,
            "ssl.key.location": self.ssl_key_location,
            "ssl.key.password": self.ssl_key_password,
        }
        if not sasl:
            instead = f"not used with security.protocol {protocol}; set that to SASL_SSL, or remove this setting"
            yield from _set(login | client | others | own, instead)
        elif not tokens:
            yield from _missing(login, f"missing; security.protocol {protocol} needs it")
            yield from _set(client | others | own, f"not used with sasl.mechanism {mechanism}; set that to OAUTHBEARER")
        else:
            yield from _set(login, "not used with sasl.mechanism OAUTHBEARER; remove this setting")
            if self.sasl_oauthbearer_token is not None:
                yield from _set(client | others, "not used with sasl.oauthbearer.token; set one or the other")
            elif any(client.values()):
                yield from _missing(client, "missing; a token endpoint needs it")
            else:
                yield from _missing(given, "missing; set it, or sasl.oauthbearer.token.endpoint.url")
        if not protocol.endswith("SSL"):
            yield from _set(ssl, f"not used with security.protocol {protocol}; set that to SSL or SASL_SSL")
        elif (self.ssl_certificate_location is None) != (self.ssl_key_location is None):
            lacking = "ssl.key.location" if self.ssl_key_location is None else "ssl.certificate.location"
            yield (lacking,), "missing; a certificate needs its key"


def _set(settings: Mapping[str, object], problem: str) -> Iterator[tuple[SettingPath, str]]:
    """A problem for each that is set."""
    yield from (((name,), problem) for name, value in settings.items() if value is not None)


def _missing(settings: Mapping[str, object], problem: str) -> Iterator[tuple[SettingPath, str]]:
    """A problem for each that is not set."""
    yield from (((name,), problem) for name, value in settings.items() if value is None)


class MetricsSettings(Settings, frozen=True, kw_only=True):
    """The HTTP endpoint from which Prometheus reads this process's metrics, and the OpenTelemetry collector."""

    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 means off.")] = 0
    address: Annotated[str, Meta(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    otlp_endpoint: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://(\[[0-9A-Fa-f:.]+\]|[^\s/@\[\]?#]+)(:\d{1,5})?(/[^\s]*)?$",
                extra={"allowed": "an address that begins with http:// or https://"},
                description="Where an OpenTelemetry collector takes metrics (OTLP over HTTP); without a path, "
                "`/v1/metrics` is added. It needs the extra `otel` of the package; its variables "
                "`OTEL_EXPORTER_OTLP_*` and `OTEL_RESOURCE_ATTRIBUTES` have effect, such as those of headers.",
                examples=["http://localhost:4318/v1/metrics"],
            ),
        ]
        | None
    ) = None
    otlp_every_s: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds between two exports to the OpenTelemetry collector.")
    ] = 30.0

    @property
    def is_on(self) -> bool:
        """Whether anybody reads the metrics."""
        return bool(self.port) or self.otlp_endpoint is not None


class LogSettings(Settings, frozen=True, kw_only=True):
    """The process log on standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Lowest level of the messages that are written.")
    ] = "info"
    format: Annotated[
        Literal["text", "json"], Meta(description="`text`: name=value pairs for people; `json`: one object per line.")
    ] = "text"
