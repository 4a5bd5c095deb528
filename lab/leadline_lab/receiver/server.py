"""The receiver as a server in a thread of this process: ``with Receiver() as receiver``."""

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from leadline.clock import Clock, SystemClock
from leadline.errors import UsageError
from leadline.wire import encode
from leadline_lab.receiver.app import NAMES, App
from leadline_lab.receiver.exchange import Event
from leadline_lab.receiver.faults import Fault
from leadline_lab.receiver.inbox import Seen

HOST: Final = "127.0.0.1"
BACKLOG: Final = 100
HEAD_S = 10.0
"""A client has so long to send the head of a request."""


class _Wire(H11Protocol):
    """Lets the application hang up, and closes a connection whose request does not begin in time."""

    _timer: asyncio.TimerHandle | None = None
    _before: object = None
    """The request of the last look."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        self._timer = self.loop.call_later(HEAD_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
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


class Receiver:
    """Listens from the moment it is made, on this machine only; ``close`` leaves nothing behind."""

    def __init__(
        self,
        port: int = 0,
        *,
        clock: Clock | None = None,
        limited: bool = True,
        on_request: Callable[[Seen], None] | None = None,
    ) -> None:
        """Listen on ``port``, 0 for any that is free. Raises UsageError when it is taken.

        ``limited`` is whether vendors' rate limits apply; ``on_request`` is called, in the server's thread, with each
        request.
        """
        self._app = App(clock or SystemClock(), limited=limited, on_request=on_request)
        self._socket = _listen(port)
        self.url: str = f"http://{HOST}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            self._app.asgi, http=_Wire, ws="none", lifespan="off", log_config=None, log_level="critical"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="leadline-receiver", daemon=True)
        self._thread.start()

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that the vendors accepted, in order."""
        return self._app.inbox.events

    @property
    def requests(self) -> tuple[Seen, ...]:
        """Every request, also those that were refused."""
        return self._app.inbox.requests

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that lead the sinks of Slack by bot, PagerDuty and the webhook here."""
        return {
            "LEADLINE_SLACK_API_URL": f"{self.url}/api",
            "LEADLINE_SLACK_TOKEN": "xoxb-local-receiver",
            "LEADLINE_SLACK_CHANNEL": "#dba",
            "LEADLINE_PAGERDUTY_URL": self.url,
            "LEADLINE_PAGERDUTY_ROUTING_KEY": "0123456789abcdef0123456789abcdef",
            "LEADLINE_WEBHOOK_URL": f"{self.url}/hook",
            "LEADLINE_WEBHOOK_SIGNING_KEY": "local-receiver",
        }

    @property
    def webhook_url(self) -> str:
        """An incoming webhook of Slack, in place of a bot."""
        return f"{self.url}/services/T0RECEIVER/B0RECEIVER/local"

    @property
    def teams_url(self) -> str:
        """The URL of a workflow of Teams."""
        return f"{self.url}/workflows/local/triggers/manual/paths/invoke?sig=local"

    def fail(self, fault: Fault) -> None:
        """Fail from now on. Raises UsageError when there is no such vendor."""
        if fault.vendor not in NAMES:
            raise UsageError(f"there is no vendor {fault.vendor!r}; there are: {', '.join(sorted(NAMES))}")
        self._app.faults.set(fault, self._app.clock.now())

    def is_failing(self, vendor: str) -> bool:
        """Whether the last request of a fault that was set for so many has arrived."""
        return self._app.faults.is_used(vendor)

    def by_hand(self, key: str, action: Literal["acknowledge", "resolve"]) -> None:
        """Acknowledge or resolve an alert as a person does in PagerDuty. Raises UsageError when none is open."""
        answered = self._app.by_hand(encode({"key": key, "action": action}))
        if answered.problem:
            raise UsageError(f"{key}: {answered.problem}")

    def forget(self, vendor: str) -> None:
        """Everything that a vendor has is gone, as when somebody deletes the messages in a channel."""
        self._app.inbox.forget(vendor)

    def close(self) -> None:
        """Stop, without waiting for whoever is connected."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        serving = asyncio.create_task(self._server.serve([self._socket]))
        clock = SystemClock()
        while not self._server.should_exit and not serving.done():
            await clock.sleep(0.05)
        # Those that are being kept waiting on purpose would keep the server waiting, too.
        for connection in list(self._server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        await serving


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise UsageError(f"cannot listen on {HOST}:{port}: {error.strerror}; give another --port, or 0") from None
    listening.listen(BACKLOG)
    return listening
