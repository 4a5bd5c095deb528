"""Servers that write their messages in another language, with the log_line_prefix that they have by default."""

import subprocess
from collections.abc import Callable

import pytest

from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.postgres_versions import binaries_for
from tests.require import need
from tests.wild.conftest import Wild
from tests.wild.test_server_log_reasons import GRANTS, no_entry, wrong_password
from tests.wild.watching import watched

END_STREAMING = "SELECT pg_terminate_backend(pid) FROM pg_stat_replication"
Break = Callable[[Server, Server], None]


def spoken(locale: str) -> str:
    """The name of a locale. Skips the test where it is not there."""
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout
    language = locale[:5]
    need(locale in known, f"the locale {locale}: localedef -i {language} -f UTF-8 {language}.UTF-8")
    return locale


@pytest.mark.situation(
    908,
    "A standby is refused, and the servers speak another language",
    "patroni/patroni#3184",
    "darold/pgbadger#553",
    "erikdarlingdata/PerformanceMonitor#3061",
)
@pytest.mark.parametrize("locale", ["fr_FR.utf8", "de_DE.utf8"])
@pytest.mark.parametrize("refuse", [no_entry, wrong_password])
def test_a_refused_standby_in_another_language(wild: Wild, locale: str, refuse: Break) -> None:
    """The reason is quoted from the server log, whose usual form shows neither SQLSTATE nor process."""
    wild.server_version = "15"
    own = {
        "lc_messages": spoken(locale),
        "logging_collector": "on",
        "log_line_prefix": "%m [%p] ",
        "wal_keep_size": "256MB",
        "cluster_name": "",
    }
    with Fleet(binaries_for(15), plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", own)
        primary.query(GRANTS)
        standby = fleet.standby("pg-2", primary, settings=own)
        with watched([primary, standby], settled=True) as seen:
            wild.begins()
            refuse(primary, standby)
            primary.query(END_STREAMING)
            cause = seen.names("standby_cannot_connect", above=0.85)
            wild.answers(cause.summary)
            assert f"{primary.port}" in cause.summary
