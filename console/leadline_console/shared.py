"""The objects that the handlers of requests share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from leadline import wire
from leadline.clock import Clock
from leadline.settings.web_console import WebConsoleSettings
from leadline_console.explainer import Explainer
from leadline_console.live import PageStreams
from leadline_console.read_model import ReadModel

Publish = Callable[[wire.Addressed], Awaitable[None]]
"""Writes a value to its topic. Raises LeadlineError."""


@dataclass(frozen=True, slots=True)
class Console:
    """The objects that the handlers share; ``request.app.state.console``."""

    settings: WebConsoleSettings
    model: ReadModel
    live: PageStreams
    publish: Publish
    clock: Clock
    secret: str
    """Signs cookies, and the tokens of forms."""
    local: str = "local"
    """The name of people where nobody signs in."""
    explainer: Explainer = field(init=False)

    def __post_init__(self) -> None:
        """One explainer for all who ask."""
        object.__setattr__(self, "explainer", Explainer(self.settings, self.clock))
