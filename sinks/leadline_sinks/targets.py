"""The sinks that the settings ask for, by name. What speaks to a vendor is imported when it is wanted."""

from collections.abc import Iterable

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.settings.sink import (
    KINDS,
    PagerDutySettings,
    SinkSettings,
    SlackSettings,
    TargetSettings,
    WebhookSettings,
)
from leadline_sinks.http import Http
from leadline_sinks.incident_log.log_consumer import TARGET as INCIDENT_LOG
from leadline_sinks.notify.routing import CONSOLE
from leadline_sinks.notify.sink import Recorder, Sink


def chosen(settings: SinkSettings, names: Iterable[str]) -> list[str]:
    """The targets to run, the incident log among them: those named, or all there are.

    Raises UsageError when one is named that is not there, or nothing is.
    """
    there = configured(settings)
    if not there:
        kinds = ", ".join((*KINDS, CONSOLE, INCIDENT_LOG, "targets"))
        raise UsageError(f"no target is configured, so nobody would be told; set one of {kinds} in the settings")
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise UsageError(f"there is no target {', '.join(map(repr, unknown))}; there are: {', '.join(there)}")
    return wanted or there


def configured(settings: SinkSettings) -> list[str]:
    """Names of all targets, the incident log among them."""
    return [*settings.names(), *([INCIDENT_LOG] if settings.incident_log.wanted else [])]


def sink(settings: SinkSettings, name: str, clock: Clock) -> Sink:
    """The sink of a target that people are told through."""
    if name == CONSOLE:
        from leadline_sinks.console import ConsoleSink

        return ConsoleSink(settings.notify, clock)
    group, http = _group(settings, name), Http(clock)
    match group:
        case SlackSettings():
            from leadline_sinks.slack.sink import SlackSink

            return SlackSink(group, settings.notify, http, clock)
        case PagerDutySettings():
            from leadline_sinks.pagerduty.sink import PagerDutySink

            return PagerDutySink(group, settings.notify, http, clock)
        case WebhookSettings():
            from leadline_sinks.webhook import WebhookSink

            return WebhookSink(group, settings.notify, http, clock)


def recorder(settings: SinkSettings, clock: Clock) -> Recorder:
    """The incident log."""
    from leadline_sinks.incident_log.recorder import IncidentLog

    return IncidentLog(settings.incident_log, clock)


def _group(settings: SinkSettings, name: str) -> SlackSettings | PagerDutySettings | WebhookSettings:
    """The settings of a target, which are of one kind."""
    of: SinkSettings | TargetSettings = settings if name in KINDS else settings.targets[name]
    match name if name in KINDS else next(kind for kind in KINDS if getattr(of, kind).wanted):
        case "slack":
            return of.slack
        case "pagerduty":
            return of.pagerduty
        case _:
            return of.webhook
