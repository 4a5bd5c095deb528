"""Settings of a target that is reached by e-mail."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from leadline.settings.addresses import MailAddress
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret

PORTS = {"starttls": 587, "tls": 465, "none": 25}
"""The port of each kind of encryption (RFC 6409, RFC 8314, RFC 5321)."""
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class EmailSettings(Settings, frozen=True, kw_only=True):
    """E-mail, by SMTP. An incident is one thread."""

    host: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9_.:-]+$",
                max_length=255,
                description="Host name or address of the SMTP server.",
                examples=["smtp.example.org"],
                extra={"allowed": "a host without scheme and port"},
            ),
        ]
        | None
    ) = None
    port: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=65535,
                description="Port of the SMTP server. If it is not set: 587 with STARTTLS, 465 with TLS, 25 without.",
                examples=[587],
            ),
        ]
        | None
    ) = None
    encryption: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(
            description="`starttls`: the connection must become encrypted before anything is sent; `tls`: it is "
            "encrypted from its beginning; `none`: for a relay on the same host or network, without a login."
        ),
    ] = "starttls"
    ca_file: (
        Annotated[
            str,
            Meta(
                description="File (PEM) of trusted CA certificates; by default those of the system.",
                examples=["/etc/leadline/mail-ca.pem"],
            ),
        ]
        | None
    ) = None
    username: (
        Annotated[str, Meta(min_length=1, max_length=255, description="User name of the login.", examples=["leadline"])]
        | None
    ) = None
    password: (
        Annotated[Secret, Meta(description="The password of `username`.", examples=["in a file, better"])] | None
    ) = None
    sender: (
        Annotated[
            MailAddress, Meta(description="Address from which messages are sent.", examples=["leadline@example.org"])
        ]
        | None
    ) = None
    to: Annotated[
        list[MailAddress],
        Meta(
            max_length=50,
            description="Addresses that get each message, at most 50.",
            examples=[["dba@example.org", "oncall@example.org"]],
        ),
    ] = []

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.host is not None

    @property
    def connects_to(self) -> int:
        """The port to connect to."""
        return self.port or PORTS[self.encryption]

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """A server needs a sender and a recipient; a login needs both its parts and an encrypted connection."""
        if self.host is None:
            for name in ("sender", "to", "username", "password"):
                if getattr(self, name):
                    yield (name,), "not used without host, which is the SMTP server"
            return
        if self.sender is None:
            yield ("sender",), "missing; give the address from which messages are sent"
        if not self.to:
            yield ("to",), "missing; give at least one address that gets the messages"
        if self.username is not None and self.password is None:
            yield ("password",), "missing; a login needs username and password"
        if self.password is not None and self.username is None:
            yield ("username",), "missing; a login needs username and password"
        if self.password is not None and self.encryption == "none" and self.host not in LOCAL:
            yield ("encryption",), "a password is never sent without encryption; set starttls or tls"
