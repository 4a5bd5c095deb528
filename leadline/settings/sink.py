"""Settings of `leadline sink`, and of the commands that read the incident log and the silences."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, field

from leadline.errors import UsageError
from leadline.settings.common import KafkaSettings, LogSettings, MetricsSettings
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret

Glob = Annotated[str, Meta(min_length=1, max_length=255)]
Seconds = Annotated[float, Meta(ge=0, le=86400)]
_HTTP = {"pattern": r"^https?://[^\s/?#]+(/[^\s?#]*)?$", "extra": {"allowed": "an http or https address"}}
KINDS = ("slack", "pagerduty", "webhook")
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
    api_url: Annotated[str, Meta(description="Base URL of Slack's Web API.", **_HTTP)] = "https://slack.com/api"

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
        str,
        Meta(description="Base URL; `https://events.eu.pagerduty.com` for accounts in the EU region.", **_HTTP),
    ] = "https://events.pagerduty.com"

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.routing_key is not None


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
                description="Key of the HMAC-SHA256 signature of each request.",
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
        if re.fullmatch(r"https?://([^\s/?#@]*@)?[^\s/?#@:]+(:\d{1,5})?/?", address) is None:
            yield ("url",), "not the address of a proxy; give http://host:port or http://user:password@host:port"


class ConsoleSettings(Settings, frozen=True, kw_only=True):
    """Lines on standard output, for a terminal or the systemd journal."""

    enabled: Annotated[bool, Meta(description="Whether incidents are printed.")] = False


class IncidentLogSettings(Settings, frozen=True, kw_only=True):
    """The incident log in PostgreSQL."""

    dsn: (
        Annotated[
            Secret,
            Meta(
                description="Connection string. The role owns the schema `leadline` or may append to its tables.",
                examples=["host=10.0.0.9 dbname=incidents"],
            ),
        ]
        | None
    ) = None
    retention_days: Annotated[int, Meta(ge=1, le=36500, description="Days for which resolved incidents are kept.")] = (
        730
    )

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.dsn is not None

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The connection string must be valid."""
        if self.dsn is None:
            return
        from leadline.settings.dsn import parts

        try:
            parts(self.dsn.reveal())
        except UsageError as error:
            yield ("dsn",), str(error)


class TargetSettings(Settings, frozen=True, kw_only=True):
    """Further targets by name, such as another channel or the pager of another team. Each is of one kind."""

    slack: SlackSettings = SlackSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()
    webhook: WebhookSettings = WebhookSettings()

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Exactly one kind."""
        if sum(getattr(self, kind).wanted for kind in KINDS) != 1:
            yield (), f"set exactly one of {', '.join(KINDS)}"


class RouteMatch(Settings, frozen=True, kw_only=True):
    """The incidents of a route. Patterns have the wildcards `*` and `?`; all that are set must match."""

    cluster: Annotated[Glob, Meta(description="Pattern for the name of the cluster.", examples=["orders*"])] | None = (
        None
    )
    datacenter: (
        Annotated[Glob, Meta(description="Pattern for any datacentre of the incident.", examples=["fra1"])] | None
    ) = None
    severity: Annotated[Literal["info", "warning", "critical"], Meta(description="Lowest severity that matches.")] = (
        "info"
    )
    rule: (
        Annotated[
            Glob, Meta(description="Pattern for any rule whose alerts are part of the incident.", examples=["apply_*"])
        ]
        | None
    ) = None
    labels: Annotated[
        dict[str, Glob],
        Meta(description="Patterns for labels of the cluster's nodes.", examples=[{"team": "payments"}]),
    ] = {}


class RouteSettings(Settings, frozen=True, kw_only=True):
    """The targets of incidents. The first route that matches decides; with `continue`, later ones are added."""

    match: RouteMatch = RouteMatch()
    to: Annotated[
        list[Glob],
        Meta(description="Names of targets; with an empty list, none is notified.", examples=[["slack", "pagerduty"]]),
    ]
    continue_: Annotated[bool, Meta(description="Whether later routes are considered, too.")] = field(
        default=False, name="continue"
    )


class NotifySettings(Settings, frozen=True, kw_only=True):
    """When targets are notified."""

    group_wait_s: Annotated[
        Seconds, Meta(description="Longest wait of the first notification for a cause to be identified.")
    ] = 10.0
    critical_wait_s: Annotated[Seconds, Meta(description="The same wait for incidents of severity critical.")] = 5.0
    update_every_s: Annotated[Seconds, Meta(description="Shortest time between two updates of an incident.")] = 5.0
    repeat_s: Annotated[
        float,
        Meta(
            ge=0,
            le=7 * 86400,
            description="Time between reminders of an open incident that is not acknowledged; 0 disables them.",
        ),
    ] = 4 * 3600.0
    reopen_s: Annotated[
        float,
        Meta(
            ge=0,
            le=7 * 86400,
            description="Time after which the alert of an open incident is triggered at PagerDuty again. This opens an "
            "alert that somebody resolved by hand, and changes nothing otherwise; 0 disables it.",
        ),
    ] = 1800.0
    unseen_ack_s: Annotated[
        Seconds,
        Meta(
            description="Time after a page from which an incident that becomes more severe, or gets another first "
            "cause, is paged under a new key, since somebody may have acknowledged the page in PagerDuty."
        ),
    ] = 300.0
    settle_s: Annotated[
        Seconds,
        Meta(
            description="Time for which an incident that has returned must stay resolved until its end is reported, "
            "for each return; at most 15 minutes in all. 0 reports each end at once."
        ),
    ] = 60.0
    runbook_url: Annotated[
        str,
        Meta(description="Base URL of the runbooks, to which the path of a runbook is appended.", **_HTTP),
    ] = "https://github.com/leadline/leadline/blob/main"
    acknowledge: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="Command that acknowledges an incident, as messages show it; the incident's identity follows.",
        ),
    ] = "leadline incidents ack"
    replayed: Annotated[
        bool, Meta(description="Whether targets are notified of incidents that `leadline replay` made.")
    ] = False


class SinkSettings(Settings, frozen=True, kw_only=True):
    """The sinks. Without a target, nobody is notified."""

    slack: SlackSettings = SlackSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()
    webhook: WebhookSettings = WebhookSettings()
    console: ConsoleSettings = ConsoleSettings()
    proxy: ProxySettings = ProxySettings()
    incident_log: IncidentLogSettings = IncidentLogSettings()
    targets: dict[str, TargetSettings] = {}
    routes: list[RouteSettings] = []
    default: (
        Annotated[
            list[Glob],
            Meta(
                description="Targets of incidents that no route matches. If it is not set, all targets are notified.",
                examples=[["slack"]],
            ),
        ]
        | None
    ) = None
    notify: NotifySettings = NotifySettings()
    kafka: KafkaSettings = KafkaSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    def names(self) -> list[str]:
        """The names of all targets but the incident log."""
        own = [kind for kind in KINDS if getattr(self, kind).wanted]
        return [*own, *(["console"] if self.console.enabled else []), *self.targets]

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Routes name targets that exist; names of targets are unique and valid in the name of a consumer group."""
        known = self.names()
        there = f"configured are: {', '.join(known) or 'none'}"
        reserved = (*KINDS, "console", "incident_log")
        for name in self.targets:
            if name in reserved:
                yield ("targets", name), f"the name is reserved; use another than {', '.join(reserved)}"
            elif not name.replace("-", "").replace("_", "").isalnum() or not name.isascii() or len(name) > 60:
                yield ("targets", name), "not a valid name; use up to 60 letters, digits, hyphens and underscores"
        for index, route in enumerate(self.routes):
            for name in route.to:
                if name not in known:
                    yield (
                        ("routes", index, "to"),
                        f"no target is named {name!r}; {there}",
                    )
        for name in self.default or ():
            if name not in known:
                yield ("default",), f"no target is named {name!r}; {there}"
