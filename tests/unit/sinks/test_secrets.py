"""No sink gives a secret away: not in an outcome, not in a log, whatever its target answers or its settings hold."""

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from leadline import logs
from leadline.clock import ManualClock
from leadline.settings.common import LogSettings
from leadline.settings.secret import Secret
from leadline.settings.sink import (
    KINDS,
    IncidentLogSettings,
    PagerDutySettings,
    SinkSettings,
    SlackSettings,
    TargetSettings,
    WebhookSettings,
)
from leadline_sinks import targets
from leadline_sinks.http import Http
from leadline_sinks.incident_log.recorder import IncidentLog
from leadline_sinks.notify.sink import Outcome, Retry, Sent, Sink
from tests.fixtures.commands import own_logging as own_logging
from tests.unit.sinks import log_made, made

pytestmark = pytest.mark.usefixtures("own_logging")

MARK = "5ecret"
"""Part of every secret below, and of nothing else."""


Make = Callable[[str], Secret]
CASES: dict[str, tuple[str, Callable[[Make], Any]]] = {
    "slack": ("slack", lambda secret: SlackSettings(token=secret(f"xoxb-{MARK}"), channel="C012AB3CD")),
    "slack-webhook": (
        "slack",
        lambda secret: SlackSettings(webhook_url=secret(f"https://hooks.example/services/{MARK}/{MARK}")),
    ),
    "pagerduty": (
        "pagerduty",
        lambda secret: PagerDutySettings(routing_key=secret(f"{MARK}-routing-key-of-32-letters"[:32])),
    ),
    "webhook": (
        "webhook",
        lambda secret: WebhookSettings(
            url=secret(f"https://{MARK}-user:{MARK}-password@{MARK}.example/{MARK}/path?token={MARK}"),
            signing_key=secret(f"{MARK}-signing-key"),
        ),
    ),
    "webhook-bad-key": (
        "webhook",
        lambda secret: WebhookSettings(
            url=secret(f"https://x.example/{MARK}"), signing_key=secret(f"whsec_{MARK}*no-base64")
        ),
    ),
    "webhook-bad-address": (
        "webhook",
        lambda secret: WebhookSettings(url=secret(f"https://[{MARK}"), signing_key=secret(f"{MARK}-key")),
    ),
}
"""Kinds of sinks, and settings whose every secret has the mark; what makes the secrets is given."""


def made_of(
    case: str, secret: Make, answer: Callable[[httpx.Request], httpx.Response], patch: pytest.MonkeyPatch
) -> Sink:
    """The sink of a case as a process makes it, but for the connection: it speaks to whoever answers so."""
    kind, settings = CASES[case]
    patch.setattr(targets, "Http", lambda clock: Http(clock, httpx.MockTransport(answer)))
    target = TargetSettings(**{kind: settings(secret)})
    return targets.sink(SinkSettings(targets={"x": target}), "x", ManualClock(made.START))


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
async def test_no_secret_is_given_away(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch, case: str, answer: str
) -> None:
    """Neither in what the sink says came of it, nor in a log."""
    sink = made_of(case, Secret, ANSWERS[answer], monkeypatch)
    logging.getLogger("leadline.test").debug("%r", sink)
    told = await outcomes(sink)
    assert len(told) == len(made.life()) + 1
    assert MARK not in repr(told)
    assert "leadline.test" in written.getvalue()
    assert MARK not in written.getvalue()


@pytest.mark.parametrize("case", CASES)
async def test_a_secret_that_cannot_be_read(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    """The file is named, and what it held is not; there is an outcome, not an exception."""

    def in_file(text: str) -> Secret:
        file = tmp_path / "name-of-the-file"
        file.write_bytes(b"\xff" + text.encode())
        return Secret.in_file(file)

    told = await outcomes(made_of(case, in_file, echo(200), monkeypatch))
    assert all("name-of-the-file" in repr(outcome) for outcome in told)
    assert MARK not in repr(told) + written.getvalue()


def test_every_kind_has_a_case() -> None:
    """A sink that comes to the others is held to this too."""
    assert {kind for kind, _ in CASES.values()} == set(KINDS)


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://leadline:{MARK}@127.0.0.1:1/log",
        f"host=127.0.0.1 port=1 password={MARK}",
        f"postgresql://leadline:{MARK}@[127.0.0.1/log",
        f"postgresql://leadline:{MARK}@127.0.0.1:port/log",
        f"postgresql://leadline:p@{MARK}@127.0.0.1:1/log",
        f"host=127.0.0.1 password=two {MARK}",
        f"host=127.0.0.1 passwort={MARK} {MARK}={MARK}",
        f"host=127.0.0.1 password='{MARK}",
        MARK,
    ],
)
async def test_the_incident_log_keeps_its_password(written: io.StringIO, dsn: str) -> None:
    """Also where the connection string is none, which may happen to one that is read from a file again."""
    recorder = IncidentLog(IncidentLogSettings(dsn=Secret(dsn)), ManualClock(made.START))
    outcome = await recorder.record([log_made.entry(made.incident())])
    assert isinstance(outcome, Retry)
    assert MARK not in repr(outcome) + repr(recorder) + written.getvalue()
