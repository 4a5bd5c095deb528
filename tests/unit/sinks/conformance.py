"""What every sink keeps to, whichever vendor it speaks to. A sink's tests derive from ``Conformance`` and say how
their vendor answers when all is well:

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
from leadline_sinks.notify.sink import GiveUp, Notice, Outcome, Reason, Retry, Sent, Sink
from tests.unit.sinks import made

Answering = Callable[[httpx.Request], httpx.Response]

MAX_DETAIL = 500
"""Characters of an outcome's detail: one line of a log or a message."""

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
"""A status of HTTP and its headers; the outcomes and reasons that fit."""

FAULTS: list[tuple[type[httpx.HTTPError], Reason]] = [
    (httpx.ConnectError, Reason.UNREACHABLE),
    (httpx.ConnectTimeout, Reason.UNREACHABLE),
    (httpx.ReadTimeout, Reason.TIMEOUT),
    (httpx.RemoteProtocolError, Reason.TIMEOUT),
]
"""What may happen instead of an answer."""

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
"""Answers with a status that is fine and a body that makes no sense."""


class Vendor(httpx.AsyncBaseTransport):
    """Answers well, but for the requests, counted from 0, that ``script`` says something else about."""

    def __init__(self, fine: Answering) -> None:
        self._fine = fine
        self.script: dict[int, Any] = {}
        """By request: a status and headers, a body, or a fault."""
        self.otherwise: Any = None
        """The same for every request that ``script`` does not name."""
        self.requests: list[httpx.Request] = []
        """What came, whatever became of it."""
        self.taken: list[httpx.Request] = []
        """What had an effect: also what timed out."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        told = self.script.get(len(self.requests), self.otherwise)
        await request.aread()
        self.requests.append(request)
        match told:
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
                    self.taken.append(request)  # it may have been: the worst that can be
                    self._fine(request)
                raise fault("secret-in-an-exception", request=request)
            case _:
                raise AssertionError(told)


class Conformance:
    """The tests. Derive from it in a class named ``Test…`` that has the three methods below.

    They are not abstract: of a class that lacks an abstract method pytest leaves out all tests, without a word.
    """

    secrets: tuple[str, ...] = ()
    """What must be in no outcome."""

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        """The sink, speaking through ``http``."""
        raise NotImplementedError

    def fine(self, request: httpx.Request) -> httpx.Response:
        """What the vendor answers when all is well."""
        raise NotImplementedError

    def begins(self, request: httpx.Request) -> bool:
        """Whether a request makes something new that people see, such as a message; not what is told twice in effect
        once."""
        raise NotImplementedError

    # What the tests below need; no need to touch it.

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(made.START)

    @pytest.fixture
    def vendor(self) -> Vendor:
        return Vendor(self.fine)

    @pytest.fixture
    def tested(self, vendor: Vendor, clock: ManualClock) -> Sink:
        return self.sink(Http(clock, vendor), clock)

    async def deliver(self, sink: Sink, notice: Notice) -> Outcome:
        """Deliver, and hold the outcome to what all outcomes keep to."""
        outcome = await sink.deliver(notice)
        self.hold(outcome)
        return outcome

    def hold(self, outcome: Outcome) -> None:
        assert isinstance(outcome, Sent | Retry | GiveUp)
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
        """A receipt as it comes back after a restart."""
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

    def with_receipt(self, notice: Notice, receipt: Any) -> Notice:
        return Notice(
            notice.incident, notice.occasion, notice.news, notice.changes, notice.actions, self.through_kafka(receipt)
        )

    def begun(self, vendor: Vendor) -> int:
        return sum(self.begins(request) for request in vendor.taken)

    # What every sink keeps to.

    async def test_a_life_is_told(self, tested: Sink, vendor: Vendor) -> None:
        """Every occasion ends as sent, each with the receipt of the one before; only the first begins something."""
        receipt: Any = {}
        for notice in made.life():
            outcome = await self.deliver(tested, self.with_receipt(notice, receipt))
            assert isinstance(outcome, Sent), (notice.occasion, outcome)
            receipt = outcome.receipt
        assert vendor.requests
        assert self.begun(vendor) <= 1

    @pytest.mark.parametrize("occasion", ["opened", "updated", "repeated", "resolved"])
    async def test_told_twice(self, tested: Sink, vendor: Vendor, occasion: str) -> None:
        """The same notice again, as after a crash, is sent again and begins nothing new."""
        first = await self.deliver(tested, made.notice("opened"))
        assert isinstance(first, Sent)
        notice = self.with_receipt(made.notice(occasion), first.receipt)
        assert isinstance(await self.deliver(tested, notice), Sent)
        assert isinstance(await self.deliver(tested, notice), Sent)
        assert self.begun(vendor) <= 1

    @pytest.mark.parametrize("occasion", [notice.occasion for notice in made.life()])
    async def test_any_occasion_may_be_the_first_word(self, tested: Sink, occasion: str) -> None:
        """A target that knows nothing yet, because it was away or the receipt is lost, is told all the same."""
        assert isinstance(await self.deliver(tested, made.notice(occasion)), Sent)

    @pytest.mark.parametrize(("status", "headers", "expected", "reasons"), STATUSES)
    async def test_a_status(
        self, tested: Sink, vendor: Vendor, status: int, headers: dict[str, str], expected: Any, reasons: set[Reason]
    ) -> None:
        """Each status of HTTP ends in the outcome that fits, and Retry-After is handed on."""
        vendor.otherwise = (status, headers)
        outcome = await self.deliver(tested, made.notice())
        assert isinstance(outcome, expected), outcome
        assert not isinstance(outcome, Sent)
        assert outcome.reason in reasons, outcome
        if isinstance(outcome, Retry) and "retry-after" in headers:
            assert outcome.after_s == float(headers["retry-after"])

    @pytest.mark.parametrize(("fault", "reason"), FAULTS, ids=lambda value: getattr(value, "__name__", None))
    async def test_a_fault(self, tested: Sink, vendor: Vendor, fault: type[Exception], reason: Reason) -> None:
        """Without an answer it is tried again."""
        vendor.otherwise = fault
        outcome = await self.deliver(tested, made.notice())
        assert isinstance(outcome, Retry)
        assert outcome.reason is reason

    @pytest.mark.parametrize(
        "body", BODIES, ids=lambda body: body[:12].decode("latin-1").encode("unicode_escape").decode()
    )
    async def test_a_body_that_makes_no_sense(self, tested: Sink, vendor: Vendor, body: bytes) -> None:
        """Whatever the vendor answers, there is an outcome."""
        vendor.otherwise = body
        outcome = await self.deliver(tested, made.notice())
        assert isinstance(outcome, Sent) or outcome.reason in (Reason.GARBLED, Reason.UNAVAILABLE, Reason.REJECTED)

    @pytest.mark.parametrize("fault", [(503, {}), (429, {"retry-after": "1"}), *(fault for fault, _ in FAULTS)])
    async def test_a_failure_at_each_request(self, clock: ManualClock, fault: Any) -> None:
        """Whichever request of a notice fails, going on from what the failure left ends as sent.

        Nothing begins twice, but where no answer came to what was begun.
        """
        for failing in range(self.requests_of(clock)):
            vendor = Vendor(self.fine)
            tested = self.sink(Http(clock, vendor), clock)
            vendor.script = {failing: fault}
            receipt: Any = {}
            ambiguous = fault in (httpx.ReadTimeout, httpx.RemoteProtocolError)
            for notice in made.life():
                outcome = await self.deliver(tested, self.with_receipt(notice, receipt))
                if isinstance(outcome, Retry):
                    assert len(vendor.requests) > failing, outcome
                    receipt = receipt if outcome.receipt is None else outcome.receipt
                    outcome = await self.deliver(tested, self.with_receipt(notice, receipt))
                assert isinstance(outcome, Sent), (failing, notice.occasion, outcome)
                receipt = outcome.receipt
            assert self.begun(vendor) <= 1 + ambiguous

    @pytest.mark.parametrize("name", made.HOSTILE, ids=lambda name: ascii(name[:12]))
    async def test_hostile_names(self, tested: Sink, name: str) -> None:
        """Names that are too long, forge markup or repaint terminals are told like others."""
        about = made.hostile(name)
        actions = (made.action("note", by=name or "x", text=name[:4000]),)
        for occasion in ("opened", "noted", "resolved"):
            state = msgspec.structs.replace(about, state="resolved" if occasion == "resolved" else "open")
            outcome = await self.deliver(tested, made.notice(occasion, incident=state, actions=actions))
            assert isinstance(outcome, Sent), outcome

    async def test_hostile_receipt(self, tested: Sink) -> None:
        """A receipt that somebody else wrote is no defect: there is an outcome."""
        for receipt in ({"": ""}, {"ts": "\0", "channel": "x" * 5000}, {"unknown": "1"}):
            await self.deliver(tested, self.with_receipt(made.notice("updated"), receipt))

    async def test_the_test(self, tested: Sink, vendor: Vendor) -> None:
        """A test is sent, says that it is one, and begins no incident."""
        outcome = await tested.test()
        self.hold(outcome)
        assert isinstance(outcome, Sent)
        assert any(b"test" in request.content.lower() for request in vendor.requests)

    @pytest.mark.parametrize("fault", [(401, {}), (503, {}), httpx.ConnectError, httpx.ReadTimeout])
    async def test_the_test_fails(self, tested: Sink, vendor: Vendor, fault: Any) -> None:
        """A test that fails says why."""
        vendor.otherwise = fault
        outcome = await tested.test()
        self.hold(outcome)
        assert not isinstance(outcome, Sent)

    async def test_it_says_what_it_is(self, tested: Sink) -> None:
        """A kind, and a rate that lets something through."""
        assert tested.kind
        assert tested.rate.per_s > 0
        assert tested.rate.burst >= 1
        await tested.close()

    def requests_of(self, clock: ManualClock) -> int:
        """How many requests tell a life, at most: those that fail are repeated, so a few more are tried."""
        return 2 * len(made.life())
