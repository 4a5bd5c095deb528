"""Settings of what is notified: Slack, PagerDuty, webhooks, the console, further targets, and the proxy."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from msgspec import Meta

from leadline.errors import UsageError
from leadline.settings.addresses import Glob, HttpAddress, is_http_url, is_proxy
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.email_target import EmailSettings
from leadline.settings.secret import Secret
from leadline.settings.teams_target import TeamsSettings
from leadline.settings.template_target import TemplateSettings

KINDS = ("slack", "pagerduty", "webhook", "email", "teams", "alertmanager", "template")
"""Groups of settings that configure a target."""


class SlackSettings(Settings, frozen=True, kw_only=True):
    """Slack, by a bot token, or by an incoming webhook, which cannot edit messages."""

    webhook_url: (
        Annotated[
            Secret,
            Meta(description="URL of an incoming webhook. The URL is a secret.", examples=["in a file, better"]),
        ]
        | None
    ) = None
    token: (
        Annotated[
            Secret,
            Meta(description="Bot token (`xoxb-…`) with the scope `chat:write`.", examples=["in a file, better"]),
        ]
        | None
    ) = None
    channel: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=80,
                description="Channel to which the bot posts: its id or its name.",
                examples=["#dba"],
            ),
        ]
        | None
    ) = None
    api_url: Annotated[HttpAddress, Meta(description="Base URL of Slack's Web API.")] = "https://slack.com/api"

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.webhook_url is not None or self.token is not None

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Either a webhook, or a token with a channel."""
        if self.webhook_url is not None and self.token is not None:
            yield ("webhook_url",), "token is set, too; set one of them (with a token, messages can be edited)"
        if self.token is not None and self.channel is None:
            yield ("channel",), "missing; a token needs a channel to post to"
        if self.webhook_url is not None and self.channel is not None:
            yield ("channel",), "not used with webhook_url, which belongs to one channel; remove it"
        if self.webhook_url is not None and not is_http_url(self.webhook_url):
            yield ("webhook_url",), "not the URL of a webhook; give https://hooks.slack.com/services/…"
        if self.token is not None and not self.token.reveal().startswith("xox"):
            yield ("token",), "not a token of Slack; give the Bot User OAuth Token, which begins with xoxb-"


class PagerDutySettings(Settings, frozen=True, kw_only=True):
    """PagerDuty, by its Events API v2."""

    routing_key: (
        Annotated[
            Secret,
            Meta(
                description="Integration key of a service or an orchestration, 32 characters.",
                examples=["in a file, better"],
            ),
        ]
        | None
    ) = None
    url: Annotated[
        HttpAddress, Meta(description="Base URL; `https://events.eu.pagerduty.com` for accounts in the EU region.")
    ] = "https://events.pagerduty.com"
    change_events: Annotated[
        Literal["incidents", "always", "never"],
        Meta(
            description="When changes of settings, versions and roles are sent as change events, which notify nobody: "
            "with an incident that they may explain, each when it is seen, or never."
        ),
    ] = "incidents"

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.routing_key is not None

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The key has the form of one."""
        if self.routing_key is not None and re.fullmatch("[A-Za-z0-9]{32}", self.routing_key.reveal()) is None:
            yield (
                ("routing_key",),
                "not an integration key, which has 32 letters and digits; "
                "copy it from the Events API V2 integration of the service",
            )


class WebhookSettings(Settings, frozen=True, kw_only=True):
    """Any HTTP receiver of CloudEvents."""

    url: (
        Annotated[
            Secret,
            Meta(
                description="URL to which events are posted. The URL is treated as a secret.",
                examples=["https://events.example.org/leadline"],
            ),
        ]
        | None
    ) = None
    signing_key: (
        Annotated[
            Secret,
            Meta(
                description="Key of the HMAC-SHA256 signature of each request. While it is replaced, its file may hold "
                "the new and the old one, one on each line: a request then has the signatures of both.",
                examples=["in a file, better"],
            ),
        ]
        | None
    ) = None

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.url is not None

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """A URL needs a key, since requests are always signed."""
        if self.url is not None and self.signing_key is None:
            yield ("signing_key",), "missing; requests are signed, so that the receiver can verify their sender"
        if self.url is None and self.signing_key is not None:
            yield ("signing_key",), "not used without url, which is the address of the receiver"
        if self.url is not None and not is_http_url(self.url):
            yield ("url",), "not a URL; give https://host/path"


class ProxySettings(Settings, frozen=True, kw_only=True):
    """A forward proxy to Slack, PagerDuty and webhooks. Proxies that the environment names are not used."""

    url: (
        Annotated[
            Secret,
            Meta(
                description="Address of the proxy, with a login where it needs one. It is treated as a secret.",
                examples=["http://proxy.example.org:3128"],
            ),
        ]
        | None
    ) = None
    direct: Annotated[
        list[Glob],
        Meta(
            description="Hosts that are reached without the proxy; patterns have the wildcards `*` and `?`.",
            examples=[["*.example.org", "10.0.*"]],
        ),
    ] = []

    def leads_to(self, host: str) -> bool:
        """Whether a host is reached through the proxy."""
        return self.url is not None and not any(fnmatchcase(host.lower(), pattern.lower()) for pattern in self.direct)

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The address is one of HTTP; hosts without a proxy need one."""
        if self.url is None:
            if self.direct:
                yield ("direct",), "not used without url, which is the address of the proxy"
            return
        try:
            address = self.url.reveal()
        except UsageError as error:
            yield ("url",), str(error)
            return
        if not is_proxy(address):
            yield ("url",), "not the address of a proxy; give http://host:port or http://user:password@host:port"


class ConsoleSettings(Settings, frozen=True, kw_only=True):
    """Lines on standard output, for a terminal or the systemd journal."""

    enabled: Annotated[bool, Meta(description="Whether incidents are printed.")] = False


class TargetSettings(Settings, frozen=True, kw_only=True):
    """Further targets by name, such as another channel or the pager of another team. Each is of one kind."""

    slack: SlackSettings = SlackSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()
    webhook: WebhookSettings = WebhookSettings()
    email: EmailSettings = EmailSettings()
    teams: TeamsSettings = TeamsSettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    template: TemplateSettings = TemplateSettings()

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Exactly one kind."""
        if sum(getattr(self, kind).wanted for kind in KINDS) != 1:
            yield (), f"set exactly one of {', '.join(KINDS)}"
