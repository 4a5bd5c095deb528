"""Settings of `leadline sink`, and of the commands that read the incident log and the silences."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from leadline.errors import UsageError
from leadline.settings.addresses import Glob
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.common import KafkaSettings, LogSettings, MetricsSettings
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.email_target import EmailSettings
from leadline.settings.inbound import InboundSettings
from leadline.settings.parquet import ParquetSettings
from leadline.settings.routing import NotifySettings, RouteSettings
from leadline.settings.secret import Secret
from leadline.settings.targets import (
    KINDS,
    ConsoleSettings,
    PagerDutySettings,
    ProxySettings,
    SlackSettings,
    TargetSettings,
    WebhookSettings,
)
from leadline.settings.teams_target import TeamsSettings
from leadline.settings.template_target import TemplateSettings


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


class SinkSettings(Settings, frozen=True, kw_only=True):
    """The sinks. Without a target, nobody is notified."""

    slack: SlackSettings = SlackSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()
    webhook: WebhookSettings = WebhookSettings()
    email: EmailSettings = EmailSettings()
    teams: TeamsSettings = TeamsSettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    template: TemplateSettings = TemplateSettings()
    console: ConsoleSettings = ConsoleSettings()
    proxy: ProxySettings = ProxySettings()
    incident_log: IncidentLogSettings = IncidentLogSettings()
    parquet: ParquetSettings = ParquetSettings()
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
    inbound: InboundSettings = InboundSettings()
    kafka: KafkaSettings = KafkaSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    def names(self) -> list[str]:
        """The names of all targets but the incident log."""
        own = [kind for kind in KINDS if getattr(self, kind).wanted]
        return [*own, *(["console"] if self.console.enabled else []), *self.targets]

    @property
    def has_template(self) -> bool:
        """Whether any target has a template."""
        return self.template.wanted or any(each.template.wanted for each in self.targets.values())

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Routes name targets that exist; names of targets are unique and valid in the name of a consumer group."""
        known = self.names()
        there = f"configured are: {', '.join(known) or 'none'}"
        reserved = (*KINDS, "console", "incident_log", "parquet", "inbound")
        for name in self.targets:
            if name in reserved:
                yield ("targets", name), f"the name is reserved; use another than {', '.join(reserved)}"
            elif not name.replace("-", "").replace("_", "").isalnum() or not name.isascii() or len(name) > 60:
                yield ("targets", name), "not a valid name; use up to 60 letters, digits, hyphens and underscores"
        for index, route in enumerate(self.routes):
            for path, name in route.names():
                if name not in known:
                    yield ("routes", index, *path), f"no target is named {name!r}; {there}"
        for name in self.default or ():
            if name not in known:
                yield ("default",), f"no target is named {name!r}; {there}"
