"""HTTP for uvicorn that closes a connection whose request does not begin in time."""

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S: Final = 10.0
"""A client has so long to send the head of a request."""


class HeadTimeout(H11Protocol):
    """Looks at a connection each ``HEAD_S``."""

    _timer: asyncio.TimerHandle | None = None
    _before: object = None
    """The request of the last look."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        """Between two looks either a request begins or is being answered, or uvicorn has closed an idle connection."""
        cycle = self.cycle
        if (cycle is None or cycle.response_complete) and cycle is self._before:
            self.transport.abort()
            return
        self._before = cycle
        self._timer = self.loop.call_later(HEAD_S, self._look)
