"""Which settings belong to which process."""

from typing import Final

from leadline.settings.agent import AgentSettings
from leadline.settings.declare import Settings
from leadline.settings.stream import StreamSettings

PROCESSES: Final[dict[str, type[Settings]]] = {"agent": AgentSettings, "stream": StreamSettings}
