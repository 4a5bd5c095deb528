"""`leadline doctor` for a console: what keeps people out, or lets in too many, before anybody sees it.

Of others people reported a provider that names another issuer than the settings, which is seen at the first sign-in,
and a proxy's header that everybody could send: https://github.com/provectus/kafka-ui/issues/4208,
https://github.com/bolkedebruin/rdpgw/pull/184
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest

from leadline_lab.sandbox.port import HOST, Port
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.commands import Run
from tests.fixtures.consoles import ServedConsole, console

__all__ = ["console"]
Found = tuple[int, dict[tuple[str, str], tuple[str, str]], str]
SECRET = "s" * 24


class Provider(BaseHTTPRequestHandler):
    """Answers with what a test wants."""

    body: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/dba/.well-known/openid-configuration" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(self.body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def issuer() -> Iterator[str]:
    """The address of a provider."""
    server = HTTPServer((HOST, 0), Provider)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://{HOST}:{server.server_port}/dba"
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    Provider.body = {"issuer": address} | {name: f"{address}/{name}" for name in names}
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def doctor(run: Run, tmp_path: Path, broker: Broker, prefix: str) -> Iterator[Callable[..., Found]]:
    """Examine settings: the exit code, result and words by what and check, and all that was printed."""
    create_topics(broker, prefix, 1)
    with Port() as port:

        def examine(**settings: Any) -> Found:
            path = tmp_path / "console.yaml"
            kafka = {"bootstrap": broker.bootstrap, "topic_prefix": prefix}
            web = {"port": port.number} | settings.pop("web", {})
            path.write_text(json.dumps({**settings, "web": web, "kafka": kafka}))
            result = run("doctor", "-c", path, "--process", "console", "--format", "json")
            lines = [json.loads(line) for line in result.out.splitlines()]
            found = {(line["subject"], line["check"]): (line["result"], line["said"]) for line in lines}
            return result.code, found, result.out + result.err

        yield examine


def oidc(issuer: str) -> dict[str, Any]:
    given = {"issuer": issuer, "client_id": "leadline", "client_secret": "not much of a secret"}
    return {"web": {"url": "https://localhost"}, "sign_in": {"oidc": given}}


def test_nothing_is_wrong_on_loopback(doctor: Callable[..., Found]) -> None:
    code, found, _ = doctor()
    assert code == 0
    assert found["web", "host names"] == ("ok", "requests are answered under 127.0.0.1, ::1, localhost")
    assert found["sign_in", "ways"][1].startswith("none: everybody on this host is admin")


def test_a_port_in_use(doctor: Callable[..., Found], console: ServedConsole) -> None:
    """By a console that runs, which is fine, or by something else."""
    code, found, _ = doctor(web={"port": console.port})
    assert (code, found["web", "address"][0]) == (0, "ok")
    assert "already" in found["web", "address"][1]
    with socket.create_server((HOST, 0)) as other:
        other.settimeout(0)
        code, found, _ = doctor(web={"port": other.getsockname()[1]})
    assert code == 1
    assert "set web.port to a free port" in found["web", "address"][1]


def test_names_that_nobody_can_use(doctor: Callable[..., Found]) -> None:
    """Every request would be refused."""
    token = {"name": "wall", "token": SECRET}
    _, found, _ = doctor(web={"address": "0.0.0.0"}, sign_in={"tokens": [token]})
    assert "set web.url or web.hosts" in found["web", "host names"][1]
    _, found, printed = doctor(web={"url": "http://nowhere.invalid"}, sign_in={"tokens": [token]})
    assert found["web", "host names"][1] == "web.url: this host does not know the name nowhere.invalid"
    assert "in the clear" in found["sign_in", "TLS"][1]
    assert SECRET not in printed


def test_a_header_that_everybody_may_send(doctor: Callable[..., Found]) -> None:
    _, found, _ = doctor(sign_in={"header": {"user": "X-User", "trusted": ["10.0.0.4", "0.0.0.0/0"]}})
    assert found["sign_in", "trusted proxies"][0] == "fail"
    assert "list the proxies alone" in found["sign_in", "trusted proxies"][1]
    code, _, printed = doctor(sign_in={"header": {"user": "X-User"}})
    assert code == 2
    assert "sign_in.header.trusted: missing; give the addresses of the proxies" in printed


def test_files_of_secrets_and_of_other_processes(doctor: Callable[..., Found], tmp_path: Path) -> None:
    token, limits = tmp_path / "token", tmp_path / "stream.yaml"
    token.write_text(SECRET)
    token.chmod(0o644)
    limits.write_text("rules:\n  replication_lag:\n    warning: much\n")
    tokens = [{"name": "wall", "token_file": str(token)}]
    code, found, _ = doctor(web={"stream_settings": str(limits)}, sign_in={"tokens": tokens})
    assert code == 1
    assert f"run chmod 0600 {token}" in found["sign_in.tokens[0].token_file", "mode"][1]
    assert found["web.stream_settings", "readable"][0] == "fail"
    token.chmod(0o640)
    limits.write_text("rules:\n  replication_lag:\n    warning: 7\n")
    code, _, _ = doctor(web={"stream_settings": str(limits)}, sign_in={"tokens": tokens})
    assert code == 0


def test_the_provider(doctor: Callable[..., Found], issuer: str) -> None:
    """Its discovery, as sign-in reads it."""
    code, found, _ = doctor(**oidc(issuer))
    assert (code, found["sign_in.oidc", "provider"]) == (0, ("ok", f"{issuer} signs people in"))
    for changed, problem in (
        ({"issuer": "https://login.example.org"}, "it is that of issuer https://login.example.org"),
        ({"jwks_uri": None}, "it has no jwks_uri"),
        ({"code_challenge_methods_supported": ["plain"]}, "it does not offer PKCE with S256"),
    ):
        before = Provider.body
        Provider.body = before | changed
        assert problem in doctor(**oidc(issuer))[1]["sign_in.oidc", "provider"][1]
        Provider.body = before
    assert "status 404" in doctor(**oidc(f"{issuer}/other"))[1]["sign_in.oidc", "provider"][1]
    with Port() as free:
        code, found, _ = doctor(**oidc(f"http://{HOST}:{free.number}"))
    assert (code, found["sign_in.oidc", "provider"][0]) == (3, "unreachable")


def test_the_incident_log(doctor: Callable[..., Found], empty_log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there yet; one that the role may not read, with the statement that helps; one that it may."""
    monkeypatch.delenv("LEADLINE_INCIDENT_LOG_DSN")
    assert "there is no incident log" in doctor(incident_log={"dsn": empty_log})[1]["incident_log", "rights"][1]
    with psycopg.connect(empty_log, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA leadline")
        connection.execute("CREATE TABLE leadline.log ()")
        connection.execute("DROP ROLE IF EXISTS looks")
        connection.execute("CREATE ROLE looks LOGIN PASSWORD 'looks'")
    own = psycopg.conninfo.make_conninfo(empty_log, user="looks", password="looks")
    code, found, _ = doctor(incident_log={"dsn": own})
    assert code == 1
    assert found["incident_log", "rights"][1].endswith("and GRANT leadline_log_reader TO looks;")
    assert doctor(incident_log={"dsn": empty_log})[0] == 0
