"""Everything that a screen shows at one moment."""

from dataclasses import dataclass, field
from typing import Any

from leadline_lab.demo.events import DemoEvent
from leadline_lab.demo.observed import Observed
from leadline_lab.demo.progress import Progress


@dataclass(slots=True)
class DemoState:
    """``report`` is there when the scenario is over."""

    progress: Progress
    observed: Observed
    events: list[DemoEvent] = field(default_factory=list)
    note: str = ""
    """The version of PostgreSQL."""
    receiver: str = ""
    """The address where a browser shows the messages that the vendors received."""
    console: str = ""
    """The address of the console."""
    bootstrap: str = ""
    """The address of Kafka."""
    activity: str = ""
    """The action or the part of the set-up that runs now."""
    since_s: float | None = None
    """Since the injection."""
    report: dict[str, Any] | None = None
    targets: tuple[str, ...] = ()
    """The real targets that are notified besides the receiver."""
    files: tuple[str, ...] = ()
    """The files that were written."""
