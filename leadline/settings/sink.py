"""Settings of `leadline sink`, the processes that tell people, and of whoever reads what they wrote."""

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
"""Groups of settings that make a target people are told through."""


class SlackSettings(Settings, frozen=True, kw_only=True):
    """Slack, by an incoming webhook or, better, by a bot token: only then can messages be edited."""

    webhook_url: (
        Annotated[
            Secret,
            Meta(description="Address of an incoming webhook, a secret by itself.", examples=["in a file, better"]),
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
                description="Where the bot writes: a channel's id, or its name.",
                examples=["#dba"],
            ),
        ]
        | None
    ) = None
    api_url: Annotated[str, Meta(description="Base address of Slack's Web API.", **_HTTP)] = "https://slack.com/api"

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.webhook_url is not None or self.token is not None

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """One way in, and a channel where the way does not say it."""
        if self.webhook_url is not None and self.token is not None:
            yield ("webhook_url",), "token is set too; give one of them (with a token, messages can be edited)"
        if self.token is not None and self.channel is None:
            yield ("channel",), "missing; a token needs a channel to write to"
        if self.webhook_url is not None and self.channel is not None:
            yield ("channel",), "not used with webhook_url, which has a channel of its own; leave it out"


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
        Meta(description="Base address; `https://events.eu.pagerduty.com` for accounts in Europe.", **_HTTP),
    ] = "https://events.pagerduty.com"

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.routing_key is not None


class WebhookSettings(Settings, frozen=True, kw_only=True):
    """Any HTTP receiver of CloudEvents."""

    url: (
        Annotated[
            Secret, Meta(description="Where events are posted to.", examples=["https://events.example.org/leadline"])
        ]
        | None
    ) = None
    signing_key: (
        Annotated[
            Secret,
            Meta(
                description="Key of the HMAC-SHA256 signature that each request carries.",
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
        """Requests are always signed."""
        if self.url is not None and self.signing_key is None:
            yield ("signing_key",), "missing; requests are signed, so that the receiver knows who sent them"


class ConsoleSettings(Settings, frozen=True, kw_only=True):
    """Lines on standard output, for a terminal or journald."""

    enabled: Annotated[bool, Meta(description="Whether incidents are printed.")] = False


class IncidentLogSettings(Settings, frozen=True, kw_only=True):
    """The incident log in PostgreSQL."""

    dsn: (
        Annotated[
            Secret,
            Meta(
                description="How to connect; the role owns the schema `leadline`, or may append to it.",
                examples=["host=10.0.0.9 dbname=incidents"],
            ),
        ]
        | None
    ) = None
    retention_days: Annotated[int, Meta(ge=1, le=36500, description="How long what is over is kept.")] = 730

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.dsn is not None

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The connection string must have its form."""
        if self.dsn is None:
            return
        from leadline.settings.dsn import parts

        try:
            parts(self.dsn.reveal())
        except UsageError as error:
            yield ("dsn",), str(error)


class TargetSettings(Settings, frozen=True, kw_only=True):
    """Further targets by name: another channel, another team's pager. Each is of one kind."""

    slack: SlackSettings = SlackSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()
    webhook: WebhookSettings = WebhookSettings()

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Exactly one kind."""
        if sum(getattr(self, kind).wanted for kind in KINDS) != 1:
            yield (), f"give exactly one of {', '.join(KINDS)}"


class RouteMatch(Settings, frozen=True, kw_only=True):
    """Which incidents a route is for. Patterns have `*` and `?`; all that are given must match."""

    cluster: Annotated[Glob, Meta(description="Name of the cluster.", examples=["orders*"])] | None = None
    datacenter: Annotated[Glob, Meta(description="Any datacentre of the incident.", examples=["fra1"])] | None = None
    severity: Annotated[Literal["info", "warning", "critical"], Meta(description="At least this severe.")] = "info"
    rule: (
        Annotated[Glob, Meta(description="Any rule whose alerts are part of the incident.", examples=["apply_*"])]
        | None
    ) = None
    labels: Annotated[
        dict[str, Glob], Meta(description="Labels of the cluster's nodes.", examples=[{"team": "payments"}])
    ] = {}


class RouteSettings(Settings, frozen=True, kw_only=True):
    """Who is told of which incidents. The first route that matches decides; with `continue`, later ones too."""

    match: RouteMatch = RouteMatch()
    to: Annotated[
        list[Glob], Meta(description="Names of targets; an empty list tells nobody.", examples=[["slack", "pagerduty"]])
    ]
    continue_: Annotated[bool, Meta(description="Whether later routes are looked at too.")] = field(
        default=False, name="continue"
    )


class NotifySettings(Settings, frozen=True, kw_only=True):
    """When people are told."""

    group_wait_s: Annotated[Seconds, Meta(description="How long the first word waits for the cause to be named.")] = (
        10.0
    )
    critical_wait_s: Annotated[Seconds, Meta(description="The same for incidents of severity critical.")] = 5.0
    update_every_s: Annotated[Seconds, Meta(description="Least time between two updates of one incident.")] = 5.0
    repeat_s: Annotated[
        float, Meta(ge=0, le=7 * 86400, description="When to remind of what is open and nobody took; 0 is never.")
    ] = 4 * 3600.0
    runbook_url: Annotated[
        str,
        Meta(description="Where the runbooks are; the alert's `runbook` path is added.", **_HTTP),
    ] = "https://github.com/leadline/leadline/blob/main"
    replayed: Annotated[bool, Meta(description="Whether incidents made from replayed records are told too.")] = False


class SinkSettings(Settings, frozen=True, kw_only=True):
    """The processes that tell people. With nothing set, nobody is told."""

    slack: SlackSettings = SlackSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()
    webhook: WebhookSettings = WebhookSettings()
    console: ConsoleSettings = ConsoleSettings()
    incident_log: IncidentLogSettings = IncidentLogSettings()
    targets: dict[str, TargetSettings] = {}
    routes: list[RouteSettings] = []
    default: (
        Annotated[
            list[Glob],
            Meta(description="Targets of incidents that no route is for; else all there are.", examples=[["slack"]]),
        ]
        | None
    ) = None
    notify: NotifySettings = NotifySettings()
    kafka: KafkaSettings = KafkaSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    def names(self) -> list[str]:
        """Every target that people can be told through, by name."""
        own = [kind for kind in KINDS if getattr(self, kind).wanted]
        return [*own, *(["console"] if self.console.enabled else []), *self.targets]

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Routes lead to targets that exist, and names are unique and fit for a consumer group."""
        known = self.names()
        there = f"there are: {', '.join(known) or 'none'}"
        reserved = (*KINDS, "console", "incident_log")
        for name in self.targets:
            if name in reserved:
                yield ("targets", name), f"the name is taken; give it another than {', '.join(reserved)}"
            elif not name.replace("-", "").replace("_", "").isalnum() or not name.isascii() or len(name) > 60:
                yield ("targets", name), "not a name; use up to 60 letters, digits, dashes and underscores"
        for index, route in enumerate(self.routes):
            for name in route.to:
                if name not in known:
                    yield (
                        ("routes", index, "to"),
                        f"there is no target {name!r}; {there}",
                    )
        for name in self.default or ():
            if name not in known:
                yield ("default",), f"there is no target {name!r}; {there}"
