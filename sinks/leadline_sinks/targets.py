"""The sinks that the settings ask for, by name. What speaks to a vendor is imported when it is wanted."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Final

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.settings.sink import KINDS, SinkSettings
from leadline_sinks.contract import Recorder, Sink
from leadline_sinks.http import Http
from leadline_sinks.recording import TARGET as INCIDENT_LOG
from leadline_sinks.routing import CONSOLE

SINKS: Final[Mapping[str, tuple[str, str]]] = {
    "slack": ("leadline_sinks.slack.sink", "SlackSink"),
    "pagerduty": ("leadline_sinks.pagerduty.sink", "PagerDutySink"),
    "webhook": ("leadline_sinks.webhook", "WebhookSink"),
}
"""Module and class of the sink of each kind."""


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
        console: Sink = _load("leadline_sinks.console", "ConsoleSink")(settings.notify, clock)
        return console
    kind = name if name in KINDS else next(kind for kind in KINDS if getattr(settings.targets[name], kind).wanted)
    group = getattr(settings if name in KINDS else settings.targets[name], kind)
    made: Sink = _load(*SINKS[kind])(group, settings.notify, Http(clock), clock)
    return made


def recorder(settings: SinkSettings, clock: Clock) -> Recorder:
    """The incident log."""
    made: Recorder = _load("leadline_sinks.incident_log.recorder", "IncidentLog")(settings.incident_log, clock)
    return made


def _load(module: str, name: str) -> Any:
    return getattr(import_module(module), name)
