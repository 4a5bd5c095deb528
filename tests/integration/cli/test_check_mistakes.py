"""The first mistakes of people with two connection strings: each is one line with what, where, and what to do."""

import shutil
import signal
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.port import Port
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.certificates import Authority
from tests.fixtures.commands import Result, Run
from tests.fixtures.fleets import Pair
from tests.fixtures.poolers import pgbouncer
from tests.fixtures.postgres_versions import binaries_for

GENERATED = "p@ss/w:rd#%?&="
"""A password as generators make them."""
MYSQL = bytes.fromhex(
    "4a0000000a382e302e333600080000003a1c5d2e5f3f7a1b00ffffff0200ffdf15000000000000000000004f3b2a4d5c1e3f6a7b8c9d0e00"
    "63616368696e675f736861325f70617373776f726400"
)
"""The first packet of MySQL 8.0, which is the first to send."""


@pytest.fixture
def password(pair: Pair) -> str:
    return str(conninfo_to_dict(pair.primary.dsn(user=AGENT))["password"])


def rows(result: Result) -> dict[str, str]:
    """The state of each node."""
    lines = result.out.partition("\n\n")[0].splitlines()
    at = lines[0].index("state")
    return {line.split("  ")[0]: line[at:] for line in lines[1:]}


def once(result: Result, *parts: str) -> None:
    """Each of these is in the output, and nowhere a second time."""
    everything = result.out + result.err
    assert [(part, everything.count(part)) for part in parts] == [(part, 1) for part in parts]


@pytest.mark.parametrize(
    ("wrong", "state", "remedy"),
    [
        # https://github.com/dalibo/pg_activity/issues/11, https://github.com/pgq/pgq/issues/26,
        # https://github.com/zabbix-tools/libzbxpgsql/issues/160
        ({"password": "x"}, "REFUSED: authentication failed: password authentication failed for user", "check user"),
        ({"password": ""}, "REFUSED: authentication failed: fe_sendauth: no password supplied", "chmod 600"),
        # psql takes the name of the user for the database, too.
        ({"dbname": ""}, 'REFUSED: no such database: database "leadline" does not exist', "correct dbname"),
        ({"dbname": "shop"}, 'REFUSED: no such database: database "shop" does not exist', "correct dbname"),
        ({"sslmode": "require"}, "UNSEEN: TLS: server does not support SSL", "check sslmode"),
        ({"sslmode": "requir"}, 'UNSEEN: TLS: invalid sslmode value: "requir"', "check sslmode"),
    ],
)
def test_one_string_is_wrong(run: Run, pair: Pair, wrong: dict[str, str], state: str, remedy: str) -> None:
    """The other server is shown as usual, and the reason once."""
    result = run("check", f"left={make_conninfo(pair.primary.dsn(user=AGENT), **wrong)}", pair.standby.dsn(user=AGENT))
    shown = rows(result)
    assert shown["left"].startswith(state)
    assert remedy in shown["left"]
    assert shown["pg-2"] == "ok"
    once(result, state.split(": ")[-1], remedy)
    assert (result.code, "a server cannot be read; see above" in result.err) == (1, True)


def test_the_same_is_wrong_with_all(run: Run, pair: Pair) -> None:
    """The remedy is written once."""
    dsns = [make_conninfo(server.dsn(user=AGENT), password="") for server in (pair.primary, pair.standby)]
    result = run("check", *dsns)
    assert result.code == 3
    once(result, "into a password file", "no server can be read; see above")
    assert result.out.count("no password supplied") == 2
    assert result.out.count("refuses us") == 2
    assert "doctor" not in result.out


def test_others_may_read_the_password_file(
    run: Run, pair: Pair, password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq ignores it, and would write so at each connection.

    https://github.com/pglombardo/PasswordPusher/issues/719
    """
    file = tmp_path / "pgpass"
    file.write_text(f"127.0.0.1:*:*:{AGENT}:{password}\n")
    file.chmod(0o644)
    monkeypatch.setenv("PGPASSFILE", str(file))
    result = run("check", f"host=127.0.0.1 port={pair.primary.port} user={AGENT} dbname=postgres")
    assert result.code == 3
    once(result, f"chmod 600 {file}", "no password supplied")


def test_a_service_that_nobody_defined(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, and not as the server at the default address.

    https://github.com/qgis/QGIS/issues/61977, https://github.com/psycopg/psycopg2/issues/1365,
    https://github.com/psycopg/psycopg2/issues/132
    """
    (tmp_path / "own.conf").write_text("[shop]\nhost=127.0.0.1\n")
    for file, missing in (("own.conf", 'definition of service "orders"'), ("none.conf", "service file")):
        monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / file))
        result = run("check", "service=orders")
        state = rows(result)["service orders"]
        assert state.startswith(f"UNSEEN: no such service: {missing}")
        assert state.endswith("(correct its name, or set PGSERVICEFILE to the file that has it)")
        assert result.code == 3


def test_a_password_that_a_generator_made(run: Run, pair: Pair) -> None:
    """In a URL it works percent-encoded, and in single quotes as it is; a role without pg_monitor is named once."""
    pair.primary.query(f"CREATE ROLE generated LOGIN PASSWORD '{GENERATED}'")
    try:
        at = f"127.0.0.1:{pair.primary.port}/postgres"
        url = run("check", f"postgresql://generated:{quote(GENERATED, safe='')}@{at}")
        quoted = run(
            "check", f"host=127.0.0.1 port={pair.primary.port} dbname=postgres user=generated password='{GENERATED}'"
        )
        bare = run("check", f"postgresql://generated:{GENERATED}@{at}")
    finally:
        pair.primary.query("DROP ROLE generated")
    for result in (url, quoted):
        assert rows(result) == {"pg-1": "BLIND: role generated lacks pg_monitor; run GRANT pg_monitor TO generated"}
        assert result.code == 3
        assert [text.count("run GRANT pg_monitor TO generated") for text in (result.out, result.err)] == [1, 1]
    assert (bare.code, bare.out) == (2, "")
    assert "p@ss" not in bare.err
    assert "percent-encode" in bare.err


def test_the_same_server_twice(run: Run, pair: Pair) -> None:
    """By two names: no second node, no alarm, and the server that is missing.

    https://github.com/hapostgres/pg_auto_failover/issues/490
    """
    dsn = pair.standby.dsn(user=AGENT)
    result = run("check", f"a={dsn}", f"b={make_conninfo(dsn, host='localhost')}")
    same = "the same server as {}, under another address"
    assert rows(result) in ({"a": "ok", "b": same.format("a")}, {"a": same.format("b"), "b": "ok"})
    assert result.out.count("physical") == 1
    assert f" follows 127.0.0.1:{pair.proxy.port}, which is not watched: give its connection string too" in result.out
    assert result.code == 0


def test_names_with_spaces(run: Run, pair: Pair) -> None:
    """As somebody writes them."""
    result = run("check", f"left server={pair.primary.dsn(user=AGENT)}", f"right one={pair.standby.dsn(user=AGENT)}")
    assert rows(result) == {"left server": "ok", "right one": "ok"}
    assert "left server -> right one" in result.out


def test_a_pooler_in_between(run: Run, pair: Pair) -> None:
    """Refused before anything is asked; tests/wild/test_harm.py looks at what the application sees."""
    with pgbouncer(pair.primary, AGENT) as dsn:
        result = run("check", f"left={dsn}")
    assert rows(result)["left"].startswith("REFUSED: pooler: the dsn leads to a connection pooler")
    once(result, "give the address of the server itself")


def test_too_many_connections(run: Run, pair: Pair) -> None:
    """Of the role, which no other limit would help.

    https://github.com/percona/pmm/issues/1406, https://github.com/cybertec-postgresql/pgwatch2/issues/48,
    https://github.com/prometheus-community/postgres_exporter/issues/531
    """
    pair.primary.query(f"ALTER ROLE {AGENT} CONNECTION LIMIT 0")
    try:
        result = run("check", f"left={pair.primary.dsn(user=AGENT)}")
    finally:
        pair.primary.query(f"ALTER ROLE {AGENT} CONNECTION LIMIT -1")
    assert rows(result)["left"].startswith('REFUSED: too many connections: too many connections for role "leadline" at')
    once(result, "or the limit of role or database")


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port at which something else than PostgreSQL answers."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            answer(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def as_mysql(client: socket.socket) -> None:
    client.sendall(MYSQL)
    client.recv(1024)


def as_proxy_without_server(client: socket.socket) -> None:
    client.recv(1024)


@pytest.mark.parametrize(
    ("answer", "state", "remedy"),
    [
        # https://github.com/dbcli/pgcli/issues/329, https://github.com/paperless-ngx/paperless-ngx/issues/1825,
        # https://github.com/PostHog/posthog/pull/64612
        (as_mysql, "UNSEEN: not PostgreSQL: received invalid response to SSL negotiation: J", "check host and port"),
        (as_proxy_without_server, "UNSEEN: closed: server closed the connection unexpectedly", "check host and port"),
    ],
)
def test_something_else_listens_there(
    run: Run, answer: Callable[[socket.socket], None], state: str, remedy: str
) -> None:
    """It is not taken for a server without TLS, or for one that ended."""
    with listening(answer) as port:
        result = run("check", f"left=host=127.0.0.1 port={port} user=x")
    assert rows(result)["left"].startswith(f"{state} at 127.0.0.1:{port} (")
    once(result, remedy)
    assert result.code == 3


def test_a_web_server(run: Run) -> None:
    """It waits for the rest of a request: only that nothing came is seen."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            result = run("check", f"left=host=127.0.0.1 port={server.server_port} user=x")
        finally:
            server.shutdown()
            thread.join()
    assert rows(result)["left"].startswith("DOWN: timeout: no answer in 5 s")
    once(result, "or something else than PostgreSQL there?")


def test_nothing_listens_there(run: Run, pair: Pair) -> None:
    """The port of another server, or a socket in another folder."""
    with Port() as port:
        result = run("check", f"left=host=127.0.0.1 port={port.number} user=x", pair.standby.dsn(user=AGENT))
        assert rows(result)["left"] == (
            f"DOWN: refused: Connection refused at 127.0.0.1:{port.number} (is the server running there?)"
        )
        six = run("check", f"host=::1 port={port.number} user=x")
        assert rows(six)[f"[::1]:{port.number}"].startswith(f"DOWN: refused: Connection refused at [::1]:{port.number}")
    elsewhere = run("check", "host=/nowhere user=x")
    assert rows(elsewhere)["/nowhere:5432"].startswith(
        "DOWN: refused: No such file or directory at /nowhere/.s.PGSQL.5432 (is the server running, and is the socket"
    )


@pytest.fixture(scope="module")
def door() -> Iterator[tuple[Server, Server]]:
    """A pair whose primary listens on IPv6, on a socket, and for TLS."""
    with Fleet(binaries_for(15)) as fleet:
        primary = fleet.primary(
            "pg-1", {"listen_addresses": "127.0.0.1,::1", "unix_socket_directories": str(fleet.folder)}
        )
        standby = fleet.standby("pg-2", primary, settings={"listen_addresses": "127.0.0.1"})
        fleet.wait_caught_up()
        yield primary, standby


def test_a_socket_and_ipv6(run: Run, door: tuple[Server, Server]) -> None:
    """Each is an address like any other."""
    primary, standby = door
    for host in ("::1", str(primary.data.parents[1])):
        result = run("check", make_conninfo(primary.dsn(user=AGENT), host=host), standby.dsn(user=AGENT))
        assert (rows(result), result.code) == ({"pg-1": "ok", "pg-2": "ok"}, 0)


def test_a_server_that_admits_tls_only(run: Run, door: tuple[Server, Server], tmp_path: Path) -> None:
    """The default asks for TLS; who has turned it off is shown how to turn it on.

    https://github.com/pgbouncer/pgbouncer/issues/812, https://github.com/Borvik/vscode-postgres/issues/190,
    https://github.com/textmate/sql.tmbundle/issues/7
    """
    primary, _ = door
    for source, name in zip(Authority(tmp_path).certificate("server", "127.0.0.1"), ("crt", "key"), strict=True):
        file = primary.data / f"server.{name}"
        shutil.copy(source, file)
        file.chmod(0o600)
        give(file)
    with admitting(primary, f"hostnossl all {AGENT} all reject"):
        primary.configure(ssl="on")
        default = run("check", primary.dsn(user=AGENT))
        without = run("check", f"left={primary.dsn(user=AGENT, sslmode='disable')}")
        unknown = run("check", f"left={primary.dsn(user=AGENT, sslmode='verify-full', sslrootcert='/none')}")
        primary.configure(ssl=None)
    assert rows(default) == {"pg-1": "ok"}
    assert "no encryption at 127.0.0.1" in rows(without)["left"]
    once(without, "use sslmode=require")
    assert rows(unknown)["left"].startswith('UNSEEN: TLS: root certificate file "/none" does not exist')


def test_a_role_that_is_not_in_pg_hba(run: Run, door: tuple[Server, Server]) -> None:
    """The file is named."""
    primary, _ = door
    with admitting(primary, "host all postgres all scram-sha-256", alone=True):
        result = run("check", f"left={primary.dsn(user=AGENT)}")
    assert rows(result)["left"].startswith("REFUSED: authentication failed: no pg_hba.conf entry for host")
    once(result, "add an entry for the agent's role to pg_hba.conf")


@contextmanager
def admitting(server: Server, line: str, *, alone: bool = False) -> Iterator[None]:
    """A line at the beginning of pg_hba.conf, or all there is in it."""
    file = server.data / "pg_hba.conf"
    before = file.read_text()
    for text in (f"{line}\n" if alone else f"{line}\n{before}", before):
        file.write_text(text)
        give(file)
        server.configure(log_min_messages="warning")
        if text != before:
            yield


def test_no_connection_is_left(run: Run, door: tuple[Server, Server]) -> None:
    """All of the server's are in use."""
    primary, standby = door
    held = []
    with suppress(psycopg.OperationalError):
        while True:
            held.append(psycopg.connect(primary.dsn()))
    try:
        result = run("check", f"left={primary.dsn(user=AGENT)}", standby.dsn(user=AGENT))
    finally:
        for connection in held:
            connection.close()
    assert rows(result)["left"].startswith("REFUSED: too many connections: sorry, too many clients already at")
    once(result, "sorry, too many clients", "FROM pg_stat_activity WHERE backend_type = 'client backend'")


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({"hot_standby": "off"}, "NOT READY: not accepting connections"),
        # The server waits for a segment, before it has what it needs to admit anybody.
        ({"restore_command": "sleep 30; false"}, "NOT READY: starting up"),
    ],
)
def test_a_server_that_is_not_ready(
    run: Run, door: tuple[Server, Server], settings: dict[str, str], state: str
) -> None:
    """It is not down.

    https://github.com/prometheus-community/postgres_exporter/issues/153,
    https://github.com/CrunchyData/pgmonitor/issues/430, https://github.com/cloudnative-pg/cloudnative-pg/issues/3344
    """
    _, standby = door
    standby.stop("immediate" if "restore_command" in settings else "fast")
    standby.configure_files(settings)
    starting = standby.launch("postgres", "-D", standby.data, farewell=signal.SIGQUIT)
    try:
        eventually("it answers", lambda: answers(standby))
        result = run("check", f"right={standby.dsn(user=AGENT)}")
    finally:
        assert starting.stdin is not None
        starting.stdin.close()
        starting.wait(30)
        standby.configure_files({})
        standby.start()
    assert rows(result)["right"].startswith(state)
    assert result.code == 3


def answers(server: Server) -> bool:
    try:
        psycopg.connect(server.dsn()).close()
    except psycopg.OperationalError as error:
        return "database system is" in str(error)
    return True


def test_a_version_that_is_too_old(run: Run) -> None:
    """Which one is there, and which ones can be read."""
    with Fleet(binaries_for(12)) as fleet:
        result = run("check", fleet.primary("pg-1").dsn(user=AGENT))
    (state,) = rows(result).values()
    assert state.startswith("REFUSED: unsupported version: this is PostgreSQL 12.")
    once(result, "Leadline reads 13 and later: upgrade the server")
