"""The sinks that the settings configure, by name. The module of a vendor is imported when its sink is made."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.email_target import EmailSettings
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import KINDS, PagerDutySettings, SlackSettings, TargetSettings, WebhookSettings
from leadline.settings.teams_target import TeamsSettings
from leadline.settings.template_target import TemplateSettings
from leadline_sinks.http import Http
from leadline_sinks.incident_log.log_consumer import TARGET as INCIDENT_LOG
from leadline_sinks.notify.routing import CONSOLE
from leadline_sinks.notify.sink import IncidentLogWriter, Sink

if TYPE_CHECKING:
    from leadline_sinks.pagerduty.change_consumer import ChangeConsumer
    from leadline_sinks.parquet.archive_consumer import ArchiveConsumer

INBOUND: Final = "inbound"
"""The name of what comes in, among those of the targets."""
OneTarget = (
    SlackSettings
    | PagerDutySettings
    | WebhookSettings
    | EmailSettings
    | TeamsSettings
    | AlertmanagerSettings
    | TemplateSettings
)

PARQUET: Final = "parquet"
"""The files for analytics."""


def chosen(settings: SinkSettings, names: Iterable[str]) -> list[str]:
    """The targets to run, the incident log included: those named, or all that are configured.

    Raises UsageError when a named target is not configured, or none is.
    """
    available = configured(settings)
    if not set(available) - {INBOUND}:
        kinds = ", ".join((*KINDS, CONSOLE, INCIDENT_LOG, PARQUET, "targets"))
        raise UsageError(f"no target is configured, so nobody would be notified; set one of {kinds} in the settings")
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in available]
    if unknown:
        raise UsageError(f"no target is named {', '.join(map(repr, unknown))}; configured are: {', '.join(available)}")
    return wanted or available


def configured(settings: SinkSettings) -> list[str]:
    """The names of all targets, with the incident log, the files for analytics and what comes in."""
    more = {
        INCIDENT_LOG: settings.incident_log.wanted,
        PARQUET: settings.parquet.wanted,
        INBOUND: settings.inbound.wanted,
    }
    return [*settings.names(), *(name for name, wanted in more.items() if wanted)]


def sink(settings: SinkSettings, name: str, clock: Clock, before: Callable[[], Awaitable[None]] | None = None) -> Sink:
    """The sink of a target other than the incident log. ``before`` is awaited directly before each request."""
    if name == CONSOLE:
        from leadline_sinks.console import ConsoleSink

        return ConsoleSink(settings.notify, clock)
    group = target_settings(settings, name)
    if isinstance(group, EmailSettings):
        from leadline_sinks.email.sink import EmailSink
        from leadline_sinks.email.smtp import Smtp

        return EmailSink(group, settings.notify, Smtp(group, before), clock)
    http = Http(clock, proxy=settings.proxy, before=before)
    match group:
        case SlackSettings():
            from leadline_sinks.slack.sink import SlackSink

            return SlackSink(group, settings.notify, http, clock, has_buttons=settings.inbound.slack_wanted)
        case PagerDutySettings():
            from leadline_sinks.pagerduty.sink import PagerDutySink

            return PagerDutySink(group, settings.notify, http, clock)
        case AlertmanagerSettings():
            from leadline_sinks.alertmanager.sink import AlertmanagerSink

            return AlertmanagerSink(group, settings.notify, http, clock)
        case TeamsSettings():
            from leadline_sinks.teams.sink import TeamsSink

            return TeamsSink(group, settings.notify, http, clock)
        case TemplateSettings():
            from leadline_sinks.template.sink import TemplateSink

            return TemplateSink(group, settings.notify, http, clock)
        case WebhookSettings():
            from leadline_sinks.webhook import WebhookSink

            return WebhookSink(group, settings.notify, http, clock)


def change_consumers(settings: SinkSettings, names: Iterable[str], clock: Clock) -> "list[ChangeConsumer]":
    """The consumers of the targets that are sent every change when it is seen. Each has a sink of its own: who has the
    incidents of a target does not decide who has the changes."""
    others = (CONSOLE, INCIDENT_LOG, PARQUET, INBOUND)
    groups = {name: target_settings(settings, name) for name in names if name not in others}
    wanted = [
        name for name, each in groups.items() if isinstance(each, PagerDutySettings) and each.change_events == "always"
    ]
    if not wanted:
        return []
    from leadline_sinks.pagerduty.change_consumer import ChangeConsumer
    from leadline_sinks.pagerduty.sink import PagerDutySink

    made = [(name, sink(settings, name, clock)) for name in wanted]
    return [ChangeConsumer(name, settings, each, clock) for name, each in made if isinstance(each, PagerDutySink)]


def archive(settings: SinkSettings, clock: Clock) -> "ArchiveConsumer":
    """The writer of the files for analytics. Raises UsageError, or ProblemFound when another process writes them."""
    from leadline_sinks.parquet.archive_consumer import ArchiveConsumer

    return ArchiveConsumer(settings, clock)


def log_writer(settings: SinkSettings, clock: Clock) -> IncidentLogWriter:
    """The writer of the incident log."""
    from leadline_sinks.incident_log.writer import IncidentLog

    return IncidentLog(settings.incident_log, clock)


def target_settings(settings: SinkSettings, name: str) -> OneTarget:
    """The settings of a target other than the console and the incident log."""
    of: SinkSettings | TargetSettings = settings if name in KINDS else settings.targets[name]
    kind = name if name in KINDS else next(kind for kind in KINDS if getattr(of, kind).wanted)
    found: OneTarget = getattr(of, kind)
    return found
