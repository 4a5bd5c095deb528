"""Which settings belong to which process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from leadline.errors import UsageError
from leadline.settings.agent import AgentSettings
from leadline.settings.declare import Settings, settings_of
from leadline.settings.environment import overlay
from leadline.settings.sink import SinkSettings
from leadline.settings.source import read
from leadline.settings.stream import StreamSettings

PROCESSES: Final[dict[str, type[Settings]]] = {"agent": AgentSettings, "stream": StreamSettings, "sink": SinkSettings}


def recognise(path: Path | None, environ: Mapping[str, str]) -> str:
    """The process that knows most of what is set at the top level. Raises UsageError when two know as much."""
    data: Any = read(path).data if path else {}
    known = {
        name: sum(setting.key in overlay(group, data, environ)[0] for setting in settings_of(group))
        for name, group in PROCESSES.items()
    }
    best = [name for name, count in known.items() if count == max(known.values())]
    if len(best) > 1:
        what = path or "the environment"
        raise UsageError(f"{what} does not tell which process it is for; say --process {' or '.join(best)}")
    return best[0]
