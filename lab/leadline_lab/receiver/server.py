"""The receiver as a server in a thread of this process: ``with Receiver() as receiver``."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Literal, Self, TypeVar

import uvicorn

from leadline.clock import Clock, SystemClock
from leadline.errors import UsageError
from leadline.web_server import BoundedHttp, bounded, listen
from leadline.wire import encode
from leadline_lab.receiver import pagerduty
from leadline_lab.receiver.app import MAX_BODY_BYTES, NAMES, App
from leadline_lab.receiver.exchange import Event
from leadline_lab.receiver.faults import Fault
from leadline_lab.receiver.inbox import Seen
from leadline_lab.sandbox.wait import eventually

HOST: Final = "127.0.0.1"
CONNECTIONS: Final = 300
T = TypeVar("T")


class _Wire(BoundedHttp):
    """Lets the application hang up."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket = listen(HOST, port, "give another --port, or 0")
        self.url: str = f"http://{HOST}:{self._socket.getsockname()[1]}"
        config = bounded(
            self._app.asgi,
            connections=CONNECTIONS,
            max_body_bytes=MAX_BODY_BYTES,
            http=_Wire,
            ws="websockets-sansio",
            lifespan="off",
            log_level="critical",
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

    def by_hand(self, key: str, action: Literal["acknowledge", "resolve"], by: str = "somebody") -> list[int]:
        """Acknowledge or resolve an alert as a person does in PagerDuty. Returns the statuses of its webhooks.

        Raises UsageError when none is open.
        """
        answered, events = self._app.by_hand(encode({"key": key, "action": action, "by": by}))
        if answered.problem:
            raise UsageError(f"{key}: {answered.problem}")
        return self._await(self._app.people.report(events))

    def reassign(self, key: str, to: str, by: str = "somebody") -> list[int]:
        """Reassign an incident as a person does in PagerDuty. Returns the statuses of its webhooks."""
        event = Event(self._app.clock.now(), pagerduty.VENDOR, "reassigned by hand", key, {"by": by})
        return self._await(self._app.people.report([event], "incident.reassigned", (to,)))

    def annotate(self, key: str, content: str, by: str = "somebody") -> list[int]:
        """Write a note at an incident as a person does in PagerDuty. Returns the statuses of its webhooks."""
        given = {"by": by, "content": content}
        event = Event(self._app.clock.now(), pagerduty.VENDOR, "annotated by hand", key, given)
        return self._await(self._app.people.report([event], "incident.annotated"))

    def press(self, button: str, user: tuple[str, str] = ("U012AB3CD", "ada"), times: int = 1) -> str:
        """Press a button of the newest message in Slack that has it, and deliver that ``times`` times.

        Returns ``acknowledged``, or the error that people see. Raises UsageError when no message has such a button.
        """
        return self._await(self._app.people.press(button, user, self.url, times))

    def end_sockets(self) -> None:
        """End every connection of Socket Mode as Slack does after some hours."""
        self._await(self._app.people.disconnect())

    def connect(self, request_url: str = "", signing_secret: str = "", webhook_url: str = "", secret: str = "") -> None:
        """Send presses there while no connection of Socket Mode is open, and webhooks of PagerDuty there."""
        if request_url:
            self._app.people.request_url = (request_url, signing_secret)
        if webhook_url:
            self._app.people.hooks.append((webhook_url, secret))

    def _await(self, doing: Coroutine[Any, Any, T]) -> T:
        """The result of what is done in the server's thread."""
        eventually("the receiver runs", lambda: self._loop is not None)
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()

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
        self._loop = asyncio.get_running_loop()
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
