"""The behaviour that all sinks have in common. The tests of a sink derive from ``Conformance`` and define the
successful responses of its vendor:

    class TestSlack(Conformance):
        secrets = ("xoxb-secret",)

        def sink(self, http: Http, clock: ManualClock) -> Sink: ...
        def fine(self, request: httpx.Request) -> httpx.Response: ...
        def begins(self, request: httpx.Request) -> bool: ...
"""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from leadline.clock import ManualClock
from leadline.wire import DELIVERIES, encode
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import DeliveryOutcome, GiveUp, NothingNew, Notification, Reason, Retry, Sent, Sink
from tests.unit.sinks import made

Answering = Callable[[httpx.Request], httpx.Response]

MAX_DETAIL = 500
"""Characters of an outcome's detail: one line of the process log or of a message."""

STATUSES = [
    (408, {}, Retry, {Reason.UNAVAILABLE, Reason.TIMEOUT}),
    (429, {"retry-after": "7"}, Retry, {Reason.RATE_LIMITED}),
    (429, {}, Retry, {Reason.RATE_LIMITED}),
    (500, {}, Retry, {Reason.UNAVAILABLE}),
    (502, {}, Retry, {Reason.UNAVAILABLE}),
    (503, {"retry-after": "7"}, Retry, {Reason.UNAVAILABLE, Reason.RATE_LIMITED}),
    (504, {}, Retry, {Reason.UNAVAILABLE, Reason.TIMEOUT}),
    (401, {}, Retry | GiveUp, {Reason.UNAUTHORIZED, Reason.TARGET_GONE, Reason.REJECTED}),
    (403, {}, Retry | GiveUp, {Reason.UNAUTHORIZED, Reason.TARGET_GONE, Reason.REJECTED}),
    (404, {}, Retry | GiveUp, set(Reason)),
    (410, {}, Retry | GiveUp, set(Reason)),
    (301, {"location": "http://elsewhere.example/"}, Retry | GiveUp, set(Reason)),
    (400, {}, Retry | GiveUp, set(Reason)),
    (413, {}, Retry | GiveUp, set(Reason)),
    (422, {}, Retry | GiveUp, set(Reason)),
    (599, {}, Retry, {Reason.UNAVAILABLE}),
]
"""A status and headers; the outcomes and reasons that are correct for it."""

FAULTS: list[tuple[type[httpx.HTTPError], Reason]] = [
    (httpx.ConnectError, Reason.UNREACHABLE),
    (httpx.ConnectTimeout, Reason.UNREACHABLE),
    (httpx.ReadTimeout, Reason.TIMEOUT),
    (httpx.RemoteProtocolError, Reason.TIMEOUT),
]
"""Errors in place of a response, and their reasons."""

BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"ok"',
    b"<html>502</html>",
    b"\xff\xfe\0",
    b'{"ok": 1}',
    b"[" * 5000,
    b"x" * 200_000,
]
"""Bodies that make no sense, of responses with status 200."""


class Vendor(httpx.AsyncBaseTransport):
    """Gives successful responses, except for requests, numbered from 0, that are in ``script``."""

    def __init__(self, fine: Answering) -> None:
        self._fine = fine
        self.script: dict[int, Any] = {}
        """By the number of the request: a status and headers, a body, or an error."""
        self.otherwise: Any = None
        """The same for every request that is not in ``script``."""
        self.requests: list[httpx.Request] = []
        """All requests."""
        self.taken: list[httpx.Request] = []
        """Requests that had an effect, those that timed out included."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.script.get(len(self.requests), self.otherwise)
        await request.aread()
        self.requests.append(request)
        match answer:
            case None:
                self.taken.append(request)
                return self._fine(request)
            case (int(status), dict(headers)):
                return httpx.Response(status, headers=headers, content=b"no")
            case bytes(body):
                self.taken.append(request)
                return httpx.Response(200, content=body)
            case type() as fault:
                if fault in (httpx.ReadTimeout, httpx.RemoteProtocolError):
                    self.taken.append(request)  # the worst case: it had an effect
                    self._fine(request)
                raise fault("secret-in-an-exception", request=request)
            case _:
                raise AssertionError(answer)


class Conformance:
    """The tests. Derive from it a class named ``Test…`` that defines the three methods below.

    They are not abstract: pytest silently skips all tests of a class that lacks an abstract method.
    """

    secrets: tuple[str, ...] = ()
    """Texts that must not be in any outcome."""

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        """The sink, sending through ``http``."""
        raise NotImplementedError

    def fine(self, request: httpx.Request) -> httpx.Response:
        """The successful response of the vendor."""
        raise NotImplementedError

    def begins(self, request: httpx.Request) -> bool:
        """Whether a request creates something that people see, such as a message, each time it is sent."""
        raise NotImplementedError

    # Helpers of the tests below.

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(made.START)

    @pytest.fixture
    def vendor(self) -> Vendor:
        return Vendor(self.fine)

    @pytest.fixture
    def tested(self, vendor: Vendor, clock: ManualClock) -> Sink:
        return self.sink(Http(clock, vendor), clock)

    async def deliver(self, sink: Sink, notification: Notification) -> DeliveryOutcome:
        """Deliver a notification and check the outcome."""
        outcome = await sink.deliver(notification)
        self.check(outcome)
        return outcome

    def check(self, outcome: DeliveryOutcome) -> None:
        assert isinstance(outcome, Sent | NothingNew | Retry | GiveUp)
        text = repr(outcome)
        assert not [secret for secret in (*self.secrets, "secret-in-an-exception") if secret in text]
        if isinstance(outcome, Retry | GiveUp):
            assert isinstance(outcome.reason, Reason)
            assert outcome.detail
            assert outcome.detail.isprintable()
            assert len(outcome.detail) <= MAX_DETAIL
        if isinstance(outcome, Retry):
            assert outcome.after_s is None or outcome.after_s >= 0
        receipt = getattr(outcome, "receipt", None)
        if receipt is not None:
            assert self.through_kafka(receipt) == receipt

    @staticmethod
    def through_kafka(receipt: Any) -> dict[str, str]:
        """A receipt after it was stored in Kafka and read again."""
        record = {
            "incident_id": "inc_x",
            "target": "x",
            "sink": "x",
            "outcome": "sent",
            "at": made.START,
            "seq": 1,
            "occasion": "opened",
            "severity": "critical",
            "state": "open",
            "receipt": dict(receipt),
        }
        return DELIVERIES.decode(encode(record)).receipt

    def with_receipt(self, notification: Notification, receipt: Any) -> Notification:
        return Notification(
            notification.incident,
            notification.occasion,
            notification.news,
            notification.changes,
            notification.actions,
            self.through_kafka(receipt),
        )

    def begun(self, vendor: Vendor) -> int:
        return sum(self.begins(request) for request in vendor.taken)

    # The tests.

    async def test_a_lifecycle(self, tested: Sink, vendor: Vendor) -> None:
        """Every occasion is sent, each with the receipt of the previous one; only the first creates something.

        It counts as sent if and only if the vendor accepted a request.
        """
        receipt: Any = {}
        for notification in made.life():
            before = len(vendor.taken)
            outcome = await self.deliver(tested, self.with_receipt(notification, receipt))
            assert isinstance(outcome, Sent if len(vendor.taken) > before else NothingNew), notification.occasion
            receipt = outcome.receipt
        assert vendor.requests
        assert self.begun(vendor) <= 1

    @pytest.mark.parametrize("occasion", ["opened", "updated", "repeated", "resolved"])
    async def test_a_duplicate(self, tested: Sink, vendor: Vendor, occasion: str) -> None:
        """The same notification, delivered again as after a crash, creates nothing new."""
        first = await self.deliver(tested, made.notification("opened"))
        assert isinstance(first, Sent)
        notification = self.with_receipt(made.notification(occasion), first.receipt)
        assert isinstance(await self.deliver(tested, notification), Sent | NothingNew)
        assert isinstance(await self.deliver(tested, notification), Sent | NothingNew)
        assert self.begun(vendor) <= 1

    @pytest.mark.parametrize("occasion", [notification.occasion for notification in made.life()])
    async def test_any_occasion_may_be_first(self, tested: Sink, occasion: str) -> None:
        """A notification is sent without a receipt, too, as after an outage of the target or a lost receipt."""
        assert isinstance(await self.deliver(tested, made.notification(occasion)), Sent)

    @pytest.mark.parametrize(("status", "headers", "expected", "reasons"), STATUSES)
    async def test_a_status(
        self, tested: Sink, vendor: Vendor, status: int, headers: dict[str, str], expected: Any, reasons: set[Reason]
    ) -> None:
        """Each status gives the correct outcome, with the wait of Retry-After."""
        vendor.otherwise = (status, headers)
        outcome = await self.deliver(tested, made.notification())
        assert isinstance(outcome, expected), outcome
        assert not isinstance(outcome, Sent)
        assert outcome.reason in reasons, outcome
        if isinstance(outcome, Retry) and "retry-after" in headers:
            assert outcome.after_s == float(headers["retry-after"])

    @pytest.mark.parametrize(("fault", "reason"), FAULTS, ids=lambda value: getattr(value, "__name__", None))
    async def test_a_fault(self, tested: Sink, vendor: Vendor, fault: type[Exception], reason: Reason) -> None:
        """Without a response the delivery is retried."""
        vendor.otherwise = fault
        outcome = await self.deliver(tested, made.notification())
        assert isinstance(outcome, Retry)
        assert outcome.reason is reason

    @pytest.mark.parametrize(
        "body", BODIES, ids=lambda body: body[:12].decode("latin-1").encode("unicode_escape").decode()
    )
    async def test_a_body_that_makes_no_sense(self, tested: Sink, vendor: Vendor, body: bytes) -> None:
        """Any response gives an outcome."""
        vendor.otherwise = body
        outcome = await self.deliver(tested, made.notification())
        assert isinstance(outcome, Retry | GiveUp | Sent)
        assert isinstance(outcome, Sent) or outcome.reason in (Reason.GARBLED, Reason.UNAVAILABLE, Reason.REJECTED)

    @pytest.mark.slow
    @pytest.mark.parametrize("fault", [(503, {}), (429, {"retry-after": "1"}), *(fault for fault, _ in FAULTS)])
    async def test_a_failure_at_each_request(self, clock: ManualClock, fault: Any) -> None:
        """Whichever request of a notification fails, the next attempt continues from the receipt of the failure.

        Nothing is created twice, except where the response to its creation was lost.
        """
        for failing in range(self.requests_of(clock)):
            vendor = Vendor(self.fine)
            tested = self.sink(Http(clock, vendor), clock)
            vendor.script = {failing: fault}
            receipt: Any = {}
            ambiguous = fault in (httpx.ReadTimeout, httpx.RemoteProtocolError)
            for notification in made.life():
                outcome = await self.deliver(tested, self.with_receipt(notification, receipt))
                if isinstance(outcome, Retry):
                    assert len(vendor.requests) > failing, outcome
                    receipt = receipt if outcome.receipt is None else outcome.receipt
                    outcome = await self.deliver(tested, self.with_receipt(notification, receipt))
                assert isinstance(outcome, Sent | NothingNew), (failing, notification.occasion, outcome)
                receipt = outcome.receipt
            assert self.begun(vendor) <= 1 + ambiguous

    @pytest.mark.parametrize("name", made.HOSTILE, ids=lambda name: ascii(name[:12]))
    async def test_hostile_names(self, tested: Sink, name: str) -> None:
        """Names that are too long, forge markup or repaint terminals are delivered."""
        about = made.hostile(name)
        actions = (made.action("note", by=name or "x", text=name[:4000]),)
        for occasion in ("opened", "noted", "resolved"):
            state = msgspec.structs.replace(about, state="resolved" if occasion == "resolved" else "open")
            outcome = await self.deliver(tested, made.notification(occasion, incident=state, actions=actions))
            assert isinstance(outcome, Sent), outcome

    async def test_hostile_receipt(self, tested: Sink) -> None:
        """Any receipt gives an outcome."""
        for receipt in ({"": ""}, {"ts": "\0", "channel": "x" * 5000}, {"unknown": "1"}):
            await self.deliver(tested, self.with_receipt(made.notification("updated"), receipt))

    async def test_the_test(self, tested: Sink, vendor: Vendor) -> None:
        """A test is sent and is marked as one."""
        outcome = await tested.test()
        self.check(outcome)
        assert isinstance(outcome, Sent)
        assert any(b"test" in request.content.lower() for request in vendor.requests)

    @pytest.mark.parametrize("fault", [(401, {}), (503, {}), httpx.ConnectError, httpx.ReadTimeout])
    async def test_the_test_fails(self, tested: Sink, vendor: Vendor, fault: Any) -> None:
        """A failed test has a reason."""
        vendor.otherwise = fault
        outcome = await tested.test()
        self.check(outcome)
        assert not isinstance(outcome, Sent)

    async def test_kind_and_rate(self, tested: Sink) -> None:
        """A sink has a kind, and a rate above zero."""
        assert tested.kind
        assert tested.rate.per_s > 0
        assert tested.rate.burst >= 1
        await tested.close()

    def requests_of(self, clock: ManualClock) -> int:
        """The most requests of a lifecycle, repetitions included."""
        return 2 * len(made.life())
