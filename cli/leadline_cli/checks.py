"""What ``leadline doctor`` looks at. Each check changes nothing and ends within a few seconds."""

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
from leadline.settings.agent import AgentSettings, InstanceSettings, SpoolSettings
from leadline.settings.common import KafkaSettings
from leadline.settings.dsn import address
from leadline.settings.sink import SinkSettings
from leadline.settings.stream import JudgementSettings
from leadline.topics import describe
from leadline.words import size

TIMEOUT_S = 5
TOLERANCE_S = JudgementSettings().clock_tolerance_s
LOOK = """
    SELECT current_setting('server_version_num')::int, current_setting('server_version'), quote_ident(current_user),
           pg_has_role('pg_monitor', 'USAGE'), clock_timestamp()
"""
REFUSALS = ("authentication failed", "no such database", "TLS", "missing right", "unsupported version", "query failed")
"""What a server answers that is there, but does not take what is set."""
Result = Literal["ok", "fail", "unreachable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to. ``said`` is what was found, or what to do."""

    subject: str
    check: str
    result: Result
    said: str


async def examine(settings: Any, clock: Clock, *, notify: bool = False) -> list[Finding]:
    """Everything that the process with these settings needs. With ``notify``, each target of a sink is sent a test.

    Raises UsageError when somebody is to be notified by a process that tells nobody.
    """
    from leadline_cli.target_checks import targets

    if notify and not isinstance(settings, SinkSettings):
        raise UsageError("--notify is for settings of `leadline sink`; these are of another process")
    checks = [_kafka(settings.kafka)]
    here: list[Finding] = []
    if isinstance(settings, AgentSettings):
        checks += [_database(instance, clock) for instance in settings.instances]
        here = [spool_of(settings.spool)]
    if isinstance(settings, SinkSettings):
        checks.append(targets(settings, clock, notify=notify))
    return [finding for findings in await asyncio.gather(*checks) for finding in findings] + here


async def _kafka(kafka: KafkaSettings) -> list[Finding]:
    try:
        answering = await reach(kafka)
        topics = await describe(kafka)
    except LeadlineError as error:
        return [
            Finding("kafka", "answers", "unreachable" if isinstance(error, UnreachableError) else "fail", str(error))
        ]
    wrong = [Finding(topic.name, "topic", "fail", "; ".join(topic.wrong)) for topic in topics if topic.wrong]
    fine = len(topics) - len(wrong)
    return [
        Finding("kafka", "answers", "ok", f"at {answering}"),
        *([Finding("kafka", "topics", "ok", f"{fine} as they should be")] if fine else []),
        *wrong,
    ]


async def _database(instance: InstanceSettings, clock: Clock) -> list[Finding]:
    """Connect as the agent would, and ask what it would need."""
    from leadline_agents.engines.postgresql.catalog import OLDEST
    from leadline_agents.engines.postgresql.connect_errors import no_answer, too_old, why

    name, dsn = f"{instance.cluster}/{instance.name}", instance.dsn.reveal()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, application_name="leadline doctor")
            async with connection:
                asked = clock.now()
                row = await (await connection.execute(LOOK)).fetchone()
                answered = clock.now()
    except TimeoutError:
        return [Finding(name, "answers", "unreachable", no_answer(TIMEOUT_S))]
    except (psycopg.Error, OSError) as error:
        said = why(error, dsn)
        return [Finding(name, "answers", "fail" if said.startswith(REFUSALS) else "unreachable", said)]
    assert row is not None
    number, version, user, may_see, theirs = row
    ahead = epoch(theirs) - (epoch(asked) + epoch(answered)) / 2
    offset = f"{ahead:+.3f} s from this host's"
    return [
        Finding(name, "answers", "ok", f"at {address(dsn)}"),
        _judged(name, "version", number >= OLDEST * 10_000, f"PostgreSQL {version}", too_old(number)),
        _judged(name, "rights", may_see, f"{user} has pg_monitor", f"run there: GRANT pg_monitor TO {user}"),
        _judged(name, "clock", abs(ahead) <= TOLERANCE_S, offset, f"{offset}; keep both in step, with NTP"),
    ]


def spool_of(spool: SpoolSettings) -> Finding:
    """Whether the spool can be written, and has room to grow to its bound."""
    path = Path(spool.path)
    try:
        if path.exists():
            path.open("r+b").close()
        tempfile.TemporaryFile(dir=path.parent).close()
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        remedy = f"make its directory, or let user {os.geteuid()} write there"
        return Finding("spool", "writable", "fail", f"spool.path {path}: {error.strerror}; {remedy}")
    room = f"{path}, {size(free)} free"
    return _judged("spool", "writable", free >= spool.max_bytes, room, f"{room}, less than spool.max_bytes")


def _judged(subject: str, check: str, fine: bool, said: str, otherwise: str) -> Finding:
    return Finding(subject, check, "ok" if fine else "fail", said if fine else otherwise)
