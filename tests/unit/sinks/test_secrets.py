"""No sink gives a secret away: not in an outcome, not in a log, whatever its target answers or its settings hold."""

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from leadline import logs
from leadline.clock import ManualClock
from leadline.settings.common import LogSettings
from leadline.settings.secret import Secret
from leadline.settings.sink import NotifySettings, PagerDutySettings, WebhookSettings
from leadline_sinks.contract import Outcome, Sent, Sink
from leadline_sinks.http import Http
from leadline_sinks.pagerduty.sink import PagerDutySink
from leadline_sinks.webhook import WebhookSink
from tests.fixtures.commands import own_logging as own_logging
from tests.unit.sinks import made

pytestmark = pytest.mark.usefixtures("own_logging")

MARK = "5ecret"
"""Part of every secret below, and of nothing else."""
NOTIFY = NotifySettings()


class Case(NamedTuple):
    """A sink whose every secret has the mark, wherever the secret comes from."""

    make: Callable[[Callable[[str], Secret], Http, ManualClock], Sink]
    """Its secrets are made of texts by the first argument."""


CASES = {
    "pagerduty": Case(
        lambda secret, http, clock: PagerDutySink(
            PagerDutySettings(routing_key=secret(f"{MARK}-routing-key-of-32-letters"[:32])), NOTIFY, http, clock
        )
    ),
    "webhook": Case(
        lambda secret, http, clock: WebhookSink(
            WebhookSettings(
                url=secret(f"https://{MARK}-user:{MARK}-password@{MARK}.example/{MARK}/path?token={MARK}"),
                signing_key=secret(f"{MARK}-signing-key"),
            ),
            NOTIFY,
            http,
            clock,
        )
    ),
    "webhook-bad-key": Case(
        lambda secret, http, clock: WebhookSink(
            WebhookSettings(url=secret(f"https://x.example/{MARK}"), signing_key=secret(f"whsec_{MARK}*no-base64")),
            NOTIFY,
            http,
            clock,
        )
    ),
    "webhook-bad-address": Case(
        lambda secret, http, clock: WebhookSink(
            WebhookSettings(url=secret(f"https://[{MARK}"), signing_key=secret(f"{MARK}-key")), NOTIFY, http, clock
        )
    ),
}


def echo(status: int) -> Callable[[httpx.Request], httpx.Response]:
    """A target that says all it got, as errors of vendors do."""

    def answer(request: httpx.Request) -> httpx.Response:
        said = f"{request.url} {dict(request.headers)} {request.content.decode(errors='replace')}"
        body = {"status": said, "message": said, "errors": [said], "ok": False, "error": said}
        return httpx.Response(status, json=body, headers={"location": str(request.url), "x-echo": MARK})

    return answer


def fail(fault: type[httpx.HTTPError]) -> Callable[[httpx.Request], httpx.Response]:
    """No answer, with an exception that says what was asked."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise fault(f"{request.url} {request.headers}", request=request)

    return answer


ANSWERS = {
    **{str(status): echo(status) for status in (200, 202, 301, 400, 401, 403, 404, 410, 413, 429, 500, 503)},
    **{
        fault.__name__: fail(fault)
        for fault in (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadTimeout, httpx.ReadError, httpx.ProxyError)
    },
}


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """All that is logged, as Leadline writes it at its most talkative."""
    stream = io.StringIO()
    logs.start(LogSettings(level="debug"), stream)
    yield stream
    logging.getLogger().handlers.clear()


async def outcomes(sink: Sink) -> list[Outcome]:
    """Of every occasion, and of the test."""
    told: list[Outcome] = []
    receipt: Any = {}
    for notice in made.life():
        about = made.Notice(notice.incident, notice.occasion, notice.news, notice.changes, notice.actions, receipt)
        outcome = await sink.deliver(about)
        told.append(outcome)
        receipt = outcome.receipt if isinstance(outcome, Sent) else receipt
    told.append(await sink.test())
    await sink.close()
    return told


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("case", CASES)
async def test_no_secret_is_given_away(written: io.StringIO, case: str, answer: str) -> None:
    """Neither in what the sink says came of it, nor in a log."""
    clock = ManualClock(made.START)
    sink = CASES[case].make(Secret, Http(clock, httpx.MockTransport(ANSWERS[answer])), clock)
    logging.getLogger("leadline.test").debug("%r", sink)
    told = await outcomes(sink)
    assert len(told) == len(made.life()) + 1
    assert MARK not in repr(told)
    assert "leadline.test" in written.getvalue()
    assert MARK not in written.getvalue()


@pytest.mark.parametrize("case", CASES)
async def test_a_secret_that_cannot_be_read(written: io.StringIO, tmp_path: Path, case: str) -> None:
    """The file is named, and what it held is not; there is an outcome, not an exception."""
    clock = ManualClock(made.START)

    def in_file(text: str) -> Secret:
        file = tmp_path / "name-of-the-file"
        file.write_bytes(b"\xff" + text.encode())
        return Secret.in_file(file)

    told = await outcomes(CASES[case].make(in_file, Http(clock, httpx.MockTransport(echo(200))), clock))
    assert all("name-of-the-file" in repr(outcome) for outcome in told)
    assert MARK not in repr(told) + written.getvalue()
