"""Settings of `leadline console`: the web pages, and who may see them and act."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal

from msgspec import Meta, field

from leadline.settings.addresses import Glob
from leadline.settings.common import KafkaSettings, LogSettings, MetricsSettings
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret
from leadline.settings.sink import IncidentLogSettings

RoleName = Literal["view", "ack", "admin"]


def is_loopback(address: str) -> bool:
    """Whether only programs on the same host reach this address."""
    try:
        return address == "localhost" or ip_address(address).is_loopback
    except ValueError:
        return False


class WebSettings(Settings, frozen=True, kw_only=True):
    """The address of the console."""

    address: Annotated[
        str,
        Meta(min_length=1, description="Address to listen on. One that others reach needs a way to sign in."),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 picks a free one.")] = 8096
    url: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^\s/?#@]+$",
                extra={"allowed": "an address without a path, such as https://leadline.example.org"},
                description="Address under which people reach the console, where a proxy is in front of it.",
                examples=["https://leadline.example.org"],
            ),
        ]
        | None
    ) = None
    hosts: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=255)]],
        Meta(
            description="Further host names under which requests are answered. Those of `web.url` and `web.address` "
            "are.",
            examples=[["leadline.internal"]],
        ),
    ] = []
    sink_settings: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description="File with the settings of `leadline sink`, from which the page of deliveries explains "
                "which route an incident takes. Only its routes, times and names of targets are read, and no secret.",
                examples=["/etc/leadline/sink.yaml"],
            ),
        ]
        | None
    ) = None
    stream_settings: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description="File with the settings of `leadline stream`, by whose limits the page of a link explains "
                "why it did or did not alert. Only its limits and times are read, and no secret.",
                examples=["/etc/leadline/stream.yaml"],
            ),
        ]
        | None
    ) = None


class TokenSettings(Settings, frozen=True, kw_only=True):
    """Tokens, each with a name and a role: for screens on a wall, and programs that read the JSON."""

    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=255,
            description="Name that actions are recorded under.",
            examples=["screen on the wall"],
        ),
    ]
    role: Annotated[RoleName, Meta(description="The role of whoever has the token.")] = "view"
    token: Annotated[
        Secret,
        Meta(description="The token, of at least 20 characters.", examples=["made by openssl rand -hex 24"]),
    ]

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """A token that can be guessed is none."""
        if len(self.token.reveal()) < 20:
            yield ("token",), "shorter than 20 characters; make one with `openssl rand -hex 24`"


class HeaderSettings(Settings, frozen=True, kw_only=True):
    """Sign-in by a reverse proxy, which sends the name of the user in a header."""

    user: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9-]+$",
                extra={"allowed": "the name of a header"},
                description="Header with the user's name.",
                examples=["X-Forwarded-User"],
            ),
        ]
        | None
    ) = None
    groups: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9-]+$",
                extra={"allowed": "the name of a header"},
                description="Header with the user's groups, separated by commas.",
                examples=["X-Forwarded-Groups"],
            ),
        ]
        | None
    ) = None
    trusted: Annotated[
        list[str],
        Meta(
            description="Addresses and networks of the proxies. The headers of others are ignored.",
            examples=[["10.0.0.0/28"]],
        ),
    ] = []

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Headers need proxies that are trusted: anybody else can send them too."""
        if self.user is not None and not self.trusted:
            yield ("trusted",), "missing; give the addresses of the proxies, since anybody can send a header"
        if self.user is None and (self.groups is not None or self.trusted):
            yield ("user",), "missing; without it the other settings of `header` are not used"
        for index, each in enumerate(self.trusted):
            try:
                ip_network(each)
            except ValueError:
                yield ("trusted", index), f"{each!r} is no address and no network; give 10.0.0.7 or 10.0.0.0/28"


class OidcSettings(Settings, frozen=True, kw_only=True):
    """Sign-in at an OpenID provider, by the authorization code flow with PKCE."""

    issuer: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^\s]+$",
                extra={"allowed": "an address"},
                description="The provider. Its configuration is at `/.well-known/openid-configuration` under it.",
                examples=["https://login.example.org/realms/dba"],
            ),
        ]
        | None
    ) = None
    client_id: (
        Annotated[
            str,
            Meta(min_length=1, description="The console's identity at the provider.", examples=["leadline-console"]),
        ]
        | None
    ) = None
    client_secret: Annotated[Secret, Meta(description="Its secret there.", examples=["better in a file"])] | None = None
    scope: Annotated[str, Meta(min_length=1, description="Scopes to ask for.")] = "openid profile email"
    user_claim: Annotated[str, Meta(min_length=1, description="Claim with the user's name.")] = "email"
    groups_claim: Annotated[str, Meta(min_length=1, description="Claim with the user's groups.")] = "groups"

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """A provider needs to know the client."""
        given = {"issuer": self.issuer, "client_id": self.client_id, "client_secret": self.client_secret}
        if any(value is not None for value in given.values()):
            for name, value in given.items():
                if value is None:
                    yield (name,), "missing; sign-in at a provider needs it"


class RoleSettings(Settings, frozen=True, kw_only=True):
    """The roles of people, by patterns of names and of `group:NAME`. The highest role that matches holds."""

    view: Annotated[list[Glob], Meta(description="Who may look.")] = field(default_factory=lambda: ["*"])
    ack: Annotated[
        list[Glob], Meta(description="Who may acknowledge incidents and add notes, too.", examples=[["group:dba"]])
    ] = []
    admin: Annotated[
        list[Glob], Meta(description="Who may silence notifications, too.", examples=[["group:dba-lead"]])
    ] = []


class SignInSettings(Settings, frozen=True, kw_only=True):
    """Ways to sign in. Without a way to, the console serves its own host only, and everybody there is `admin`."""

    tokens: list[TokenSettings] = []
    header: HeaderSettings = HeaderSettings()
    oidc: OidcSettings = OidcSettings()
    roles: RoleSettings = RoleSettings()
    session_s: Annotated[int, Meta(ge=60, le=2592000, description="Seconds after which a browser signs in again.")] = (
        43200
    )
    session_secret: (
        Annotated[
            Secret,
            Meta(
                description="Signs the cookies of browsers. Without one, a secret is made at each start, and people "
                "sign in again after it.",
                examples=["better in a file"],
            ),
        ]
        | None
    ) = None

    @property
    def is_open(self) -> bool:
        """Whether nobody signs in."""
        return not self.tokens and self.header.user is None and self.oidc.issuer is None


class WebConsoleSettings(Settings, frozen=True, kw_only=True):
    """The console: web pages over the topics and the incident log."""

    web: WebSettings = WebSettings()
    sign_in: SignInSettings = SignInSettings()
    incident_log: IncidentLogSettings = IncidentLogSettings()
    kafka: KafkaSettings = KafkaSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Whoever reaches the console from another host signs in."""
        if self.sign_in.is_open and not is_loopback(self.web.address):
            yield (
                ("web", "address"),
                f"{self.web.address} can be reached from other hosts, and nobody signs in; set sign_in.oidc, "
                "sign_in.header or sign_in.tokens, or listen on 127.0.0.1",
            )
        if self.sign_in.oidc.issuer is not None and self.web.url is None:
            yield ("web", "url"), "missing; the provider sends people back to it"
