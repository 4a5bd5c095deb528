"""The routes of `leadline sink` from its file, for a process that explains them and is to read none of its secrets."""

from pathlib import Path
from typing import Any

from leadline.settings.declare import Settings
from leadline.settings.load import load_part
from leadline.settings.routing import NotifySettings, RouteSettings
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import KINDS, ConsoleSettings, TargetSettings


class SinkRoutes(Settings, frozen=True, kw_only=True):
    """The part of the settings of `leadline sink` that decides who is notified, and when."""

    routes: list[RouteSettings] = []
    default: list[str] | None = None
    notify: NotifySettings = NotifySettings()


def read_routes(path: Path) -> SinkSettings:
    """The routes, the default, the times and the names of the targets of a file; targets have their names only.

    What the environment of `leadline sink` changes is not seen. Raises UsageError.
    """
    found, data = load_part(SinkRoutes, path)
    return SinkSettings(
        routes=found.routes,
        default=found.default,
        notify=found.notify,
        targets={name: TargetSettings() for name in _names(data)},
        console=ConsoleSettings(enabled=bool(_group(data, "console").get("enabled"))),
    )


def _names(data: dict[str, Any]) -> list[str]:
    return [*(kind for kind in KINDS if _group(data, kind)), *_group(data, "targets")]


def _group(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}
