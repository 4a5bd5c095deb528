"""Server logs as PostgreSQL writes them, from bytes that begin anywhere."""

from datetime import UTC, datetime, timedelta

import pytest

from leadline.model.server_log import LogLine
from leadline_agents.engines.postgresql.log_records import Record, records
from leadline_agents.engines.postgresql.log_selection import selected

BERLIN = timedelta(hours=1)
AT = datetime(2026, 11, 29, 8, 51, 59, 488000, tzinfo=UTC)
CSV = (
    'of something cut",,,,,\n'
    '2026-11-29 09:51:59.488 CET,,,4711,,6a1,1,,2026-11-29 09:51:58 CET,3/1,0,ERROR,23514,"new row for relation '
    '""items"" violates check constraint ""c""","Failing row contains (1, secret).",,,,"processing remote data for '
    'replication origin ""pg_16389"" for replication target relation ""public.items"" in transaction 740, '
    'finished at 0/E0D0A0",,,,"","logical replication apply worker",,0\n'
)
JSON = (
    '": "cut"}\n{"timestamp":"2026-11-29 09:51:59.488 CET","pid":4711,"error_severity":"FEHLER","state_code":"23514",'
    '"message":"neue Zeile f\u00fcr Relation \u00bbitems\u00ab verletzt Check-Constraint \u00bbc\u00ab",'
    '"detail":"Fehlgeschlagene Zeile enth\u00e4lt (1, secret).","context":"Verarbeiten empfangener Daten in Relation '
    '\u00bbpublic.items\u00ab in Transaktion 740, beendet bei 0/E0D0A0",'
    '"backend_type":"logical replication apply worker"}\n'
)
PREFIX = "%m [%p] %q%u@%d "
STDERR = (
    "tail of a line\n"
    '2026-11-29 09:51:59.488 CET [4711] ERROR:  new row for relation "items" violates check constraint "c"\n'
    "2026-11-29 09:51:59.488 CET [4711] DETAIL:  Failing row contains (1, secret).\n"
    '2026-11-29 09:51:59.488 CET [4711] CONTEXT:  processing remote data for replication origin "pg_16389" during '
    'message type "INSERT" for replication target relation "public.items" in transaction 740, finished at 0/E0D0A0\n'
    "2026-11-29 09:51:59.600 CET [4712] app@shop ERROR:  relation nothing does not exist\n"
)


@pytest.mark.parametrize(("path", "text"), [("x.csv", CSV), ("x.json", JSON), ("x.log", STDERR)])
def test_a_refused_change_in_each_form(path: str, text: str) -> None:
    """Time in UTC, SQLSTATE, table and position; nothing of the row."""
    (line,) = selected(records(path, text.encode(), PREFIX, BERLIN), "masked")
    assert (line.at, line.code, line.relation, line.lsn) == (AT, "23514", "public.items", "0/E0D0A0")
    assert "Check-Constraint" in line.message or "check constraint" in line.message
    assert "secret" not in str(line)


def test_a_connection_string_in_a_message_is_masked() -> None:
    """libpq quotes what it cannot read of one: https://github.com/reorg/pg_repack/issues/382."""
    for reported in (
        'missing "=" after "hunter2" in connection info string',
        "connection to postgresql://u:hunter2@h failed",
    ):
        message = f"could not connect to the publisher: {reported}"
        record = Record(AT, "logical replication apply worker", "08006", message)
        (line,) = selected([record], "full")
        assert line.message.startswith("could not connect to the publisher: ")
        assert "hunter2" not in line.message


@pytest.mark.parametrize("cut", range(0, len(CSV), 37))
def test_a_tail_may_begin_anywhere(cut: int) -> None:
    """A record that is cut is left out, and nothing is raised."""
    for path, text in (("x.csv", CSV), ("x.json", JSON), ("x.log", STDERR)):
        whole = records(path, text.encode(), PREFIX, BERLIN)
        assert all(one in whole for one in records(path, text.encode()[cut:], PREFIX, BERLIN))


@pytest.mark.parametrize(
    "prefix", ["", "%t:%r:%u@%d:[%p]: ", "<%m>%-8b%e ", "%%%n %s %c %l %x %v ", "(%a[%(", "%5p %b|%b "]
)
def test_any_prefix_is_read_or_ignored(prefix: str) -> None:
    """A form that cannot be read has no records."""
    assert isinstance(records("x.log", STDERR.encode(), prefix, BERLIN), list)


def test_a_prefix_with_process_and_code() -> None:
    """As the documentation recommends for replication."""
    text = "2026-11-29 09:51:59.488 CET [1] walreceiver 08006 FATAL:  could not connect to the primary server: no\n"
    (one,) = records("x.log", text.encode(), "%m [%p] %b %e ", BERLIN)
    assert (one.process, one.code, one.at) == ("walreceiver", "08006", AT)


def line_of(message: str, code: str = "", process: str = "", how: str = "masked") -> LogLine | None:
    found = selected([Record(AT, process, code, message)], how)  # type: ignore[arg-type]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("process", "code", "message"),
    [
        ("walreceiver", "00000", "started streaming WAL from primary at 0/3000000 on timeline 1"),
        ("client backend", "42P01", 'relation "x" does not exist'),
        ("client backend", "28P01", 'password authentication failed for user "shop"'),
        ("checkpointer", "00000", "checkpoint complete"),
        ("startup", "00000", "entering standby mode"),
        ("", "", "connection received: host=127.0.0.1 port=5"),
    ],
)
def test_what_is_not_about_replication_stays(process: str, code: str, message: str) -> None:
    """Sessions of applications, and what is no failure."""
    assert line_of(message, code, process) is None


def test_values_are_masked() -> None:
    """Of errors whose message may hold data; the text that a function raises may be all data."""
    text = 'invalid input syntax for type integer: "4711 secret"'
    worker = "logical replication apply worker"
    assert line_of(text, "22P02", worker) == LogLine(
        at=AT, process=worker, code="22P02", message='invalid input syntax for type integer: "?"'
    )
    assert (line_of("not with secret", "P0001", worker) or LogLine()).message == ""
    assert (line_of("not with secret", "P0001", worker, "full") or LogLine()).message == "not with secret"
    assert (line_of("permission denied for table items", "42501", worker, "off") or LogLine()).message == ""
    assert "geheim" not in str(
        line_of("could not connect to the primary server: password=geheim", "08006", "walreceiver")
    )


def test_equal_messages_are_counted_and_the_newest_are_kept() -> None:
    """A worker that fails writes the same each time."""
    again = [Record(AT, "walreceiver", "08006", "could not connect to the primary server")] * 40
    others = [
        Record(AT, "walsender", "58P01", f"requested WAL segment {n} has already been removed") for n in range(30)
    ]
    (one,) = selected(again, "masked")
    assert one.times == 40
    assert len(selected([*again, *others], "masked")) == 12
    assert selected([*others, *again], "masked")[-1].times == 40


@pytest.mark.parametrize(
    ("code", "process", "message"),
    [
        (
            "08006",
            "walreceiver",
            "konnte nicht mit dem Prim\u00e4rserver verbinden: Verbindung zu Server fehlgeschlagen",
        ),
        ("08006", "walreceiver", "n'a pas pu se connecter au serveur principal : la connexion a ?chou?"),
        ("08006", "walreceiver", "no se pudo conectar al servidor primario: FATAL"),
        ("28P01", "", "authentification par mot de passe ?chou?e pour l'utilisateur  << replicator >>"),
        ("28P01", "", "Passwort-Authentifizierung f?r Benutzer >>replicator<< fehlgeschlagen"),
        ("28000", "", "aucune entr?e dans pg_hba.conf pour la connexion de la r?plication"),
        (
            "58P01",
            "",
            "le segment demand? du journal de transaction, 000000010000000000000003, a d?j? ?t? supprim?",
        ),
        ("58P01", "", "das angeforderte WAL-Segment 000000010000000000000003 wurde schon entfernt"),
        ("42704", "", "le slot de r?plication << pg_2 >> n'existe pas"),
        ("53300", "", "Anzahl angeforderter Standby-Verbindungen ?berschreitet max_wal_senders (aktuell 2)"),
    ],
)
def test_a_message_in_another_language(code: str, process: str, message: str) -> None:
    """By its text, also where the letters with accents were lost."""
    line = line_of(message, how="full")
    assert line is not None
    assert (line.code, line.process) == (code, process)
