"""The checks of ``leadline doctor``. A check changes nothing and takes a few seconds at most."""

import asyncio
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psycopg

from leadline.clock import Clock, epoch
from leadline.errors import LeadlineError, UnreachableError, UsageError
from leadline.kafka import reach
from leadline.pg_rights import monitor_grant
from leadline.settings.agent import AgentSettings, InstanceSettings, SpoolSettings
from leadline.settings.common import KafkaSettings
from leadline.settings.dsn import address
from leadline.settings.sink import SinkSettings
from leadline.settings.stream import JudgementSettings
from leadline.settings.verify import VerifySettings
from leadline.settings.web_console import WebConsoleSettings
from leadline.topics import describe
from leadline.words import size

TIMEOUT_S = 5
TOLERANCE_S = JudgementSettings().clock_tolerance_s
QUERY = "SELECT quote_ident(current_user), clock_timestamp()"
REFUSALS = (
    *("authentication failed", "no such database", "TLS", "missing right", "pooler", "unsupported version"),
    *("query failed", "not PostgreSQL", "no such service"),
)
"""Beginnings of the errors of a server that answers and does not accept the settings."""
Result = Literal["ok", "fail", "unreachable"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check. ``detail`` is what was found, and what to do about a problem."""

    subject: str
    check: str
    result: Result
    detail: str


async def examine(settings: Any, clock: Clock, *, notify: bool = False) -> list[CheckResult]:
    """Check everything that the process with these settings needs. With ``notify``, send a test to each target.

    Raises UsageError when ``notify`` is given for a process that has no targets.
    """
    from leadline_cli.console_checks import console
    from leadline_cli.target_checks import targets
    from leadline_cli.verify_checks import links

    if notify and not isinstance(settings, SinkSettings):
        raise UsageError("--notify needs settings of `leadline sink`; these are of another process")
    checks = [_kafka(settings.kafka)]
    local: list[CheckResult] = []
    if isinstance(settings, AgentSettings):
        checks += [_database(instance, clock) for instance in settings.instances]
        local = [spool_of(settings.spool)]
    if isinstance(settings, SinkSettings):
        checks.append(targets(settings, clock, notify=notify))
    if isinstance(settings, VerifySettings):
        checks.append(links(settings, clock))
    if isinstance(settings, WebConsoleSettings):
        checks.append(console(settings))
    return [result for results in await asyncio.gather(*checks) for result in results] + local


async def _kafka(kafka: KafkaSettings) -> list[CheckResult]:
    try:
        answering = await reach(kafka)
        topics = await describe(kafka)
    except LeadlineError as error:
        return [
            CheckResult(
                "kafka", "answers", "unreachable" if isinstance(error, UnreachableError) else "fail", str(error)
            )
        ]
    wrong = [CheckResult(topic.name, "topic", "fail", "; ".join(topic.wrong)) for topic in topics if topic.wrong]
    fine = len(topics) - len(wrong)
    return [
        CheckResult("kafka", "answers", "ok", f"at {answering}"),
        *([CheckResult("kafka", "topics", "ok", f"{fine} as expected")] if fine else []),
        *wrong,
    ]


async def _database(instance: InstanceSettings, clock: Clock) -> list[CheckResult]:
    """Connect as the agent does, and check the version, the rights and the clock."""
    from leadline_agents.engine import CannotRead
    from leadline_agents.engines.postgresql.connect_errors import no_answer, why
    from leadline_agents.engines.postgresql.session import open_session

    name, dsn = f"{instance.cluster}/{instance.name}", instance.dsn.reveal()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            connection, rights = await open_session(
                dsn,
                application_name="leadline doctor",
                connect_timeout_s=TIMEOUT_S,
                statement_timeout_s=TIMEOUT_S,
            )
            async with connection:
                asked = clock.now()
                row = await (await connection.execute(QUERY)).fetchone()
                answered = clock.now()
    except TimeoutError:
        return [CheckResult(name, "answers", "unreachable", no_answer(TIMEOUT_S))]
    except (CannotRead, psycopg.Error) as error:
        reason = str(error) if isinstance(error, CannotRead) else why(error, dsn)
        return [CheckResult(name, "answers", "fail" if reason.startswith(REFUSALS) else "unreachable", reason)]
    assert row is not None
    user, theirs = row
    grant = monitor_grant(user, inherits=rights.inherits, version_num=rights.version_num)
    ahead = epoch(theirs) - (epoch(asked) + epoch(answered)) / 2
    offset = f"{ahead:+.3f} s from this host's"
    return [
        CheckResult(name, "answers", "ok", f"at {address(dsn)}"),
        CheckResult(name, "version", "ok", f"PostgreSQL {rights.version}"),
        _checked(
            name,
            "rights",
            rights.may_monitor,
            f"{user} has pg_monitor",
            f"run on this server: {grant};",
        ),
        _checked(name, "clock", abs(ahead) <= TOLERANCE_S, offset, f"{offset}; synchronize both clocks with NTP"),
    ]


def spool_of(spool: SpoolSettings) -> CheckResult:
    """Check that the spool is writable and has room to grow to its limit."""
    path = Path(spool.path)
    try:
        if path.exists():
            path.open("r+b").close()
        tempfile.TemporaryFile(dir=path.parent).close()
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        remedy = f"create its directory, or allow user {os.geteuid()} to write there"
        return CheckResult("spool", "writable", "fail", f"spool.path {path}: {error.strerror}; {remedy}")
    room = f"{path}, {size(free)} free"
    return _checked("spool", "writable", free >= spool.max_bytes, room, f"{room}, less than spool.max_bytes")


def _checked(subject: str, check: str, fine: bool, detail: str, otherwise: str) -> CheckResult:
    return CheckResult(subject, check, "ok" if fine else "fail", detail if fine else otherwise)
