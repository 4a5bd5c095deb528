"""Templates: what they may use, and mistakes that are found before an incident."""

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from leadline.clock import ManualClock
from leadline.errors import UsageError
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import TargetSettings
from leadline.settings.template_target import TemplateSettings
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import NothingNew, Reason, Retry, Sent, Sink
from leadline_sinks.template.render import body
from leadline_sinks.template.samples import samples
from leadline_sinks.template.sink import TemplateSink
from leadline_sinks.template.trial import tried
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Conformance

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "deploy/examples/chat.json.j2"
URL, TOKEN = "https://chat.example.com/hooks/part-that-is-secret", "Bearer token-that-is-secret"


def settings(file: Path = EXAMPLE, **changes: Any) -> TemplateSettings:
    return TemplateSettings(**{"url": Secret(URL), "file": str(file), "authorization": Secret(TOKEN)} | changes)


class TestTemplate(Conformance):
    """With the template of the examples."""

    secrets = (URL, TOKEN, "part-that-is-secret", "token-that-is-secret")

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        return TemplateSink(settings(), NotifySettings(), http, clock)

    def fine(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == TOKEN
        if request.content:
            orjson.loads(request.content)
        return httpx.Response(200)

    def begins(self, request: httpx.Request) -> bool:
        """Never: each message is of its own, as there is no other kind here."""
        return False

    # The example leaves updates out.

    @pytest.mark.parametrize("occasion", [each.occasion for each in made.life() if each.occasion != "updated"])
    async def test_any_occasion_may_be_first(self, tested: Sink, occasion: str) -> None:
        await super().test_any_occasion_may_be_first(tested, occasion)

    @pytest.mark.parametrize("body", [b"", b"{"])
    async def test_a_body_that_makes_no_sense(self, tested: Sink, vendor: Any, body: bytes) -> None:
        """The bodies of responses are not read."""
        vendor.otherwise = body
        assert isinstance(await self.deliver(tested, made.notification()), Sent)


def rendered(folder: Path, text: str, sample: str = "opened", **changes: Any) -> bytes:
    file = folder / "body.j2"
    file.write_text(text)
    return body(settings(file, **changes), samples()[sample], NotifySettings())


def test_the_example_on_every_sample() -> None:
    """It is JSON for each, also for texts with quotation marks and line breaks."""
    given = SinkSettings(targets={"chat": TargetSettings(template=settings())})
    found = {each.sample: each.body for each in tried(given)}
    assert set(found) == set(samples())
    assert orjson.loads(found["opened"])["text"].startswith("**CRITICAL: orders: replay on pg-2 is blocked by a query")
    assert '"name"' in orjson.loads(found["with texts that need care"])["text"]
    assert "SELECT pg_terminate_backend(4711);" in found["opened"]


def test_a_template_that_forgets_quotation(tmp_path: Path) -> None:
    """It works until a text has a line break or a quotation mark: alerts were lost, and only ends arrived
    (louislam/uptime-kuma issue 3778). The trial finds it, and says what to write."""
    file = tmp_path / "body.j2"
    file.write_text('{"text": "{{ headline }}"}')
    assert orjson.loads(rendered(tmp_path, file.read_text()))["text"].startswith("orders: replay on pg-2")
    given = SinkSettings(targets={"chat": TargetSettings(template=settings(file))})
    with pytest.raises(UsageError, match=r"^chat, tried on an incident with texts that need care: .* tojson"):
        list(tried(given))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ headlin }}", "'headlin' is undefined"),
        ("a\nb{% if %}", "line 2: Expected an expression"),
        ("{{ incident.causes[0].nothing }}", "has no attribute 'nothing'"),
        ("{{ ''.__class__.__mro__ }}", "is unsafe"),
        ("{{ self.__init__.__globals__ }}", "is unsafe"),
        ("{% for each in range(10000000) %}x{% endfor %}", "Range too big"),
        ("{% for each in range(90000) %}{{ status * 9 }}{% endfor %}", "gives more than 262144 characters"),
        ("{% include '/etc/passwd' %}", "no loader"),
        ("{{ news.append(1) }}", "is unsafe"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_a_template_that_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    """The reason is one line, with the place; a template can read nothing but what it is given."""
    with pytest.raises(UsageError) as raised:
        rendered(tmp_path, text, content_type="text/plain")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_a_template_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    """Nothing is lost: it is tried again until it is corrected, and the other targets learn of it at once."""
    clock = ManualClock(made.START)
    http = Http(clock, httpx.MockTransport(lambda request: httpx.Response(200)))
    file = tmp_path / "body.j2"
    sink = TemplateSink(settings(file), NotifySettings(), http, clock)
    for text in (None, b"\xff", b"{{", b"x" * 300_000):
        if text is not None:
            file.write_bytes(text)
        outcome = await sink.deliver(made.notification())
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.UNAUTHORIZED
        assert "body.j2" in outcome.detail
    file.write_text("{}")
    assert isinstance(await sink.deliver(made.notification()), Sent)


async def test_what_a_template_leaves_out() -> None:
    """Nothing is sent of an occasion for which it gives nothing, nor of one for which it gives the same again."""
    clock = ManualClock(made.START)
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(204)

    sink = TemplateSink(settings(), NotifySettings(), Http(clock, httpx.MockTransport(answer)), clock)
    first = await sink.deliver(made.notification())
    assert isinstance(first, Sent)
    update = made.with_receipt(made.notification("updated", incident=made.incident(2)), first.receipt)
    assert isinstance(await sink.deliver(update), NothingNew)
    again = made.with_receipt(made.notification(), first.receipt)
    assert isinstance(await sink.deliver(again), NothingNew)
    assert len(sent) == 1


def test_a_mark_at_the_beginning_of_the_file(tmp_path: Path) -> None:
    """Some editors write one; it was the first character of the body, which was then no JSON (n8n-io/n8n pull
    request 35933, microsoft/Application-Insights-Workbooks issue 89, danielpalme/ReportGenerator issue 481)."""
    file = tmp_path / "body.j2"
    file.write_bytes(b'\xef\xbb\xbf{"text": {{ headline | tojson }}}\r\n')
    made_body = body(settings(file), samples()["opened"], NotifySettings())
    assert orjson.loads(made_body)["text"].startswith("orders: replay on pg-2")


def test_names_of_targets() -> None:
    """A target without a template is none to try."""
    given = SinkSettings(targets={"chat": TargetSettings(template=settings())})
    with pytest.raises(UsageError, match="'slack' is no target with a template; there are: chat"):
        list(tried(given, "slack"))
