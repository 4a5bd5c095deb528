"""Everything there is to show at one moment."""

from dataclasses import dataclass, field
from typing import Any

from leadline_lab.demo.events import Beat
from leadline_lab.demo.observed import Seen
from leadline_lab.demo.progress import Story


@dataclass(slots=True)
class Scene:
    """``report`` is there when the play is over."""

    story: Story
    seen: Seen
    beats: list[Beat] = field(default_factory=list)
    note: str = ""
    """What runs."""
    receiver: str = ""
    """Where a browser shows what the vendors got."""
    doing: str = ""
    """What is being done right now."""
    since_s: float | None = None
    """Since the injection."""
    report: dict[str, Any] | None = None
    targets: tuple[str, ...] = ()
    """Who else is told, besides the receiver."""
    files: tuple[str, ...] = ()
    """What was written, for whoever wants to keep it."""
