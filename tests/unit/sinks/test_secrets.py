"""No sink leaks a secret, neither in an outcome nor in the process log, whatever its target answers."""

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from leadline import logs
from leadline.clock import ManualClock
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.common import LogSettings
from leadline.settings.secret import Secret
from leadline.settings.sink import IncidentLogSettings, SinkSettings
from leadline.settings.targets import KINDS, PagerDutySettings, SlackSettings, TargetSettings, WebhookSettings
from leadline.settings.teams_target import TeamsSettings
from leadline.settings.template_target import TemplateSettings
from leadline_sinks import targets
from leadline_sinks.http import Http
from leadline_sinks.incident_log.writer import IncidentLog
from leadline_sinks.notify.sink import Outcome, Retry, Sent, Sink
from tests.fixtures.commands import own_logging as own_logging
from tests.unit.sinks import log_made, made

pytestmark = pytest.mark.usefixtures("own_logging")

MARK = "5ecret"
"""Part of every secret below, and of nothing else."""


TEMPLATE = Path(__file__).parents[3] / "deploy/examples/chat.json.j2"
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
    "teams": ("teams", lambda secret: TeamsSettings(url=secret(f"https://x.example/workflows/{MARK}?sig={MARK}"))),
    "template": (
        "template",
        lambda secret: TemplateSettings(
            url=secret(f"https://x.example/{MARK}"), file=str(TEMPLATE), authorization=secret(f"Bearer {MARK}")
        ),
    ),
    "alertmanager": (
        "alertmanager",
        lambda secret: AlertmanagerSettings(
            urls=["http://x.example"], username="leadline", password=secret(f"{MARK}-pass")
        ),
    ),
    "alertmanager-token": (
        "alertmanager",
        lambda secret: AlertmanagerSettings(urls=["http://x.example"], token=secret(f"{MARK}-token")),
    ),
}
"""Kinds of sinks, and their settings, in which every secret holds the mark; the caller makes the secrets."""


def made_of(
    case: str, secret: Make, answer: Callable[[httpx.Request], httpx.Response], patch: pytest.MonkeyPatch
) -> Sink:
    """The sink of a case, as a process makes it, connected to a function that answers."""
    kind, settings = CASES[case]
    patch.setattr(targets, "Http", lambda clock, proxy, before: Http(clock, httpx.MockTransport(answer), proxy))
    target = TargetSettings(**{kind: settings(secret)})
    return targets.sink(SinkSettings(targets={"x": target}), "x", ManualClock(made.START))


def echo(status: int) -> Callable[[httpx.Request], httpx.Response]:
    """A target whose response repeats the whole request, as errors of vendors do."""

    def answer(request: httpx.Request) -> httpx.Response:
        text = f"{request.url} {dict(request.headers)} {request.content.decode(errors='replace')}"
        body = {
            "status": text,
            "message": text,
            "errors": [text],
            "ok": False,
            "error": text,
        }
        return httpx.Response(status, json=body, headers={"location": str(request.url), "x-echo": MARK})

    return answer


def fail(fault: type[httpx.HTTPError]) -> Callable[[httpx.Request], httpx.Response]:
    """An exception that holds the request, in place of a response."""

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
    """The process log at level debug."""
    stream = io.StringIO()
    logs.start(LogSettings(level="debug"), stream)
    yield stream
    logging.getLogger().handlers.clear()


async def outcomes(sink: Sink) -> list[Outcome]:
    """The outcomes of every occasion, and of the test."""
    found: list[Outcome] = []
    receipt: Any = {}
    for notification in made.life():
        outcome = await sink.deliver(made.with_receipt(notification, receipt))
        found.append(outcome)
        receipt = outcome.receipt if isinstance(outcome, Sent) else receipt
    found.append(await sink.test())
    await sink.close()
    return found


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("case", CASES)
async def test_no_secret_is_leaked(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch, case: str, answer: str
) -> None:
    """It is neither in the outcome nor in the process log."""
    sink = made_of(case, Secret, ANSWERS[answer], monkeypatch)
    logging.getLogger("leadline.test").debug("%r", sink)
    found = await outcomes(sink)
    assert len(found) == len(made.life()) + 1
    assert MARK not in repr(found)
    assert "leadline.test" in written.getvalue()
    assert MARK not in written.getvalue()


@pytest.mark.parametrize("case", CASES)
async def test_a_secret_that_cannot_be_read(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    """The outcome names the file and not its content."""

    def in_file(text: str) -> Secret:
        file = tmp_path / "name-of-the-file"
        file.write_bytes(b"\xff" + text.encode())
        return Secret.in_file(file)

    found = await outcomes(made_of(case, in_file, echo(200), monkeypatch))
    assert all("name-of-the-file" in repr(outcome) for outcome in found)
    assert MARK not in repr(found) + written.getvalue()


def test_every_kind_has_a_case() -> None:
    """A new kind of sink needs a case here. E-mail has its own, on a mail server (tests/integration/sinks)."""
    assert {kind for kind, _ in CASES.values()} == set(KINDS) - {"email"}


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
async def test_the_incident_log_does_not_leak_its_password(written: io.StringIO, dsn: str) -> None:
    """An invalid connection string, perhaps read again from a file, is not quoted either."""
    incident_log = IncidentLog(IncidentLogSettings(dsn=Secret(dsn)), ManualClock(made.START))
    outcome = await incident_log.write([log_made.topic_record(made.incident())])
    assert isinstance(outcome, Retry)
    assert MARK not in repr(outcome) + repr(incident_log) + written.getvalue()
