"""The receiver over real connections: its pages, its faults, its end."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import httpx
import pytest

from leadline.errors import UsageError
from leadline.settings.load import load
from leadline.settings.sink import SinkSettings
from leadline_lab.receiver.faults import Fault, Kind
from leadline_lab.receiver.pagerduty import alerts
from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.wait import eventually

TOKEN = {"authorization": "Bearer xoxb-1"}
MESSAGE = {"channel": "#dba", "text": "x"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def client(receiver: Receiver) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=receiver.url, timeout=2) as client:
        yield client


def post(client: httpx.Client) -> httpx.Response:
    return client.post("/api/chat.postMessage", json=MESSAGE, headers=TOKEN)


def test_what_came_is_shown(receiver: Receiver, client: httpx.Client) -> None:
    """To programs in this process, to others, and to people."""
    assert post(client).json()["ok"]
    assert [event.kind for event in receiver.events] == ["post"]
    assert client.get("/inbox").json()["events"][0]["payload"]["text"] == "x"
    assert client.get("/inbox").json()["count"] == 1 == int(client.get("/count").text)
    page = client.get("/")
    assert "# dba" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for asset in ("/page.css", "/page.js"):
        assert client.get(asset).status_code == 200


def test_a_refusal(receiver: Receiver, client: httpx.Client) -> None:
    """It is no event, and stays with its reason."""
    assert client.post("/api/chat.postMessage", json=MESSAGE).json()["error"] == "not_authed"
    assert receiver.events == ()
    assert (receiver.requests[0].problem or "").startswith("not_authed")
    assert client.post("/nowhere").status_code == 404
    assert client.post("/api/chat.postMessage", content=b"x" * 2_000_000).status_code == 413


@pytest.mark.parametrize(
    ("kind", "error", "taken"),
    [
        (Kind.TIMEOUT, httpx.ReadTimeout, True),
        (Kind.HALF, httpx.RemoteProtocolError, True),
        (Kind.CLOSED, httpx.RemoteProtocolError, False),
    ],
)
def test_no_whole_answer(receiver: Receiver, kind: Kind, error: type[Exception], taken: bool) -> None:
    """The client cannot know whether it was taken; the receiver does."""
    receiver.fail(Fault("slack", kind, requests=1))
    with httpx.Client(base_url=receiver.url, timeout=0.3) as client, pytest.raises(error):
        post(client)
    assert bool(receiver.events) is taken
    assert receiver.requests[0].problem == f"on purpose: {kind}"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.RATE_LIMITED, 429),
        (Kind.UNAVAILABLE, 503),
        (Kind.GARBLED, 200),
        (Kind.UNAUTHORIZED, 200),
        (Kind.GONE, 200),
    ],
)
def test_faults_over_http(client: httpx.Client, kind: Kind, status: int) -> None:
    """Asked for by a program, for one request; then all is well again."""
    asked = {"vendor": "slack", "kind": kind, "requests": 1, "retry_after_s": 7}
    assert client.post("/faults", json=asked).status_code == 200
    failed = post(client)
    assert failed.status_code == status
    assert '"ok":true' not in failed.text
    assert (failed.headers.get("retry-after") == "7") is (status == 429)
    assert post(client).json()["ok"]


def test_a_fault_is_taken_back(client: httpx.Client) -> None:
    """The kind none ends it."""
    client.post("/faults", json={"vendor": "slack", "kind": "unavailable"})
    assert post(client).status_code == 503
    assert client.post("/faults", json={"vendor": "slack", "kind": "none"}).status_code == 200
    assert post(client).status_code == 200


@pytest.mark.parametrize(
    "asked", [{"vendor": "slack"}, {"vendor": "x", "kind": "gone"}, {"vendor": "slack", "kind": "x"}, [], {"vendor": 1}]
)
def test_a_fault_that_is_none(client: httpx.Client, asked: object) -> None:
    """It is refused with what is wrong."""
    refused = client.post("/faults", json=asked)
    assert refused.status_code == 400
    assert refused.json()["problem"]


def test_no_other_page_can_ask_for_faults(client: httpx.Client) -> None:
    """A form of another site sends no JSON."""
    refused = client.post(
        "/faults", content=b'{"vendor":"slack","kind":"gone"}', headers={"content-type": "text/plain"}
    )
    assert refused.status_code == 415


def test_another_name_for_this_machine(client: httpx.Client) -> None:
    """A page whose name leads to 127.0.0.1 can neither read nor set faults. Vendors have names of their own."""
    other = {"host": "evil.example:80"}
    assert client.post("/hook", headers=other).text != "Invalid host header"
    for ask in (client.get("/inbox", headers=other), client.post("/faults", json={}, headers=other)):
        assert (ask.status_code, ask.text) == (400, "Invalid host header")
    assert client.get("/inbox", headers={"host": "localhost:8095"}).status_code == 200


@pytest.mark.parametrize("path", ["/faults", "/by-hand"])
def test_a_large_body(client: httpx.Client, path: str) -> None:
    """It is not read to its end."""
    answer = client.post(path, content=b"x" * 2_000_000, headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_slow_clients(receiver: Receiver, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head or a body that does not come ends its connection; others are answered meanwhile."""
    monkeypatch.setattr("leadline.web_server.HEAD_S", 0.3)
    monkeypatch.setattr("leadline.web_server.BODY_S", 0.3)
    at = urlsplit(receiver.url)
    address = (at.hostname or "", at.port or 0)
    with ExitStack() as stack:
        heads = [stack.enter_context(socket.create_connection(address, 5)) for _ in range(50)]
        bodies = [stack.enter_context(socket.create_connection(address, 5)) for _ in range(5)]
        for held in heads:
            held.sendall(b"POST /hook HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        for held in bodies:
            held.sendall(b"POST /hook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        assert post(client).json()["ok"]
        assert all(b"408" in held.recv(1000).split(b"\r\n")[0] for held in bodies)
        for held in heads:
            with suppress(ConnectionResetError):
                assert held.recv(1000) == b""


def test_what_people_do_in_pagerduty(receiver: Receiver, client: httpx.Client) -> None:
    """The page has buttons for it, which ask as programs can; a form of another site sends no JSON."""
    payload = {"summary": "s", "source": "pg-2", "severity": "critical"}
    event = {"routing_key": "a" * 32, "event_action": "trigger", "dedup_key": "k", "payload": payload}
    assert client.post("/v2/enqueue", json=event).status_code == 202
    assert '<button data-key="k" data-action="resolve">' in client.get("/").text
    asked = {"key": "k", "action": "resolve"}
    assert client.post("/by-hand", content=json.dumps(asked), headers={"content-type": "text/plain"}).status_code == 415
    assert client.post("/by-hand", json=asked).status_code == 200
    assert [alert.state for alert in alerts(receiver.events)] == ["resolved"]
    assert "<button" not in client.get("/").text
    assert client.post("/by-hand", json=asked).status_code == 404
    with pytest.raises(UsageError, match="k: no alert with this key is open"):
        receiver.by_hand("k", "acknowledge")


def test_the_environment(receiver: Receiver) -> None:
    """With the variables that it prints, every sink sends to it."""
    settings = load(SinkSettings, None, receiver.environment).settings
    assert settings.names() == ["slack", "pagerduty", "webhook"]
    assert settings.slack.api_url == f"{receiver.url}/api"


def test_a_port_that_is_taken(receiver: Receiver) -> None:
    """One line, and what to do."""
    with pytest.raises(UsageError, match="give another --port"):
        Receiver(int(receiver.url.rpartition(":")[2]))
    with pytest.raises(UsageError, match="there is no vendor 'x'"):
        receiver.fail(Fault("x", Kind.GONE))


def test_nothing_is_left_behind() -> None:
    """Also while somebody is being kept waiting."""
    before = threading.active_count()
    with Receiver() as receiver:
        receiver.fail(Fault("slack", Kind.TIMEOUT))
        with httpx.Client(base_url=receiver.url, timeout=0.3) as client, pytest.raises(httpx.ReadTimeout):
            post(client)
        stuck = threading.Thread(target=lambda: _post_and_wait(receiver.url))
        stuck.start()
        eventually("the second request", lambda: len(receiver.requests) == 2)
    stuck.join()
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(receiver.url)


def _post_and_wait(url: str) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{url}/api/chat.postMessage", json=MESSAGE, headers=TOKEN, timeout=60)
