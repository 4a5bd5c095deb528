"""The checks of ``leadline doctor`` for a sink: its targets are reachable and, on request, accept a test."""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import psycopg

from leadline.clock import Clock
from leadline.errors import LeadlineError
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.dsn import address as database_address
from leadline.settings.email_target import EmailSettings
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import SlackSettings, WebhookSettings
from leadline.settings.teams_target import TeamsSettings
from leadline.settings.template_target import TemplateSettings
from leadline_cli.checks import TIMEOUT_S, CheckResult, Result

AWAY: Final = ("unreachable", "timeout", "unavailable")
"""Reasons of a failed test that mean no answer."""
MAY_WRITE: Final = """
    SELECT current_user, current_setting('server_version'),
           CASE WHEN to_regclass('leadline.log') IS NULL THEN has_database_privilege(current_database(), 'CREATE')
                ELSE has_table_privilege('leadline.log', 'INSERT') END
"""


async def targets(settings: SinkSettings, clock: Clock, *, notify: bool) -> list[CheckResult]:
    """Check every configured target. With ``notify``, send a test to each."""
    others = [name for name in settings.names() if name != "console"]  # it is standard output
    checks = [_reachable(settings, name) for name in others]
    checks += [_incident_log(settings)] if settings.incident_log.wanted else []
    found = [result for results in await asyncio.gather(*checks) for result in results]
    if notify:
        found += [await _test(settings, name, clock) for name in others]
    if not settings.names() and not settings.incident_log.wanted and not settings.parquet.wanted:
        found.append(
            CheckResult(
                "targets",
                "configured",
                "fail",
                "no target is configured; set slack, pagerduty, email or another",
            )
        )
    return found


def _reachable(settings: SinkSettings, name: str) -> Awaitable[list[CheckResult]]:
    """The check of one target that sends nothing."""
    from leadline_sinks.targets import target_settings

    match target_settings(settings, name):
        case EmailSettings() as email:
            return _mail(name, email)
        case SlackSettings() as slack:
            url = slack.webhook_url.reveal() if slack.webhook_url else slack.api_url
        case WebhookSettings() | TeamsSettings() | TemplateSettings() as hook:
            url = hook.url.reveal() if hook.url is not None else ""
        case AlertmanagerSettings(urls=urls):
            return _all_answer([_answers(name, *_reached(settings, each)) for each in urls])
        case other:
            url = str(other.url)
    return _answers(name, *_reached(settings, url))


async def _all_answer(checks: Sequence[Awaitable[list[CheckResult]]]) -> list[CheckResult]:
    """The results of several checks of one target."""
    return [result for results in await asyncio.gather(*checks) for result in results]


async def _mail(name: str, email: EmailSettings) -> list[CheckResult]:
    """Connect to the mail server as the sink does, with its login."""
    from leadline_sinks.email.smtp import Smtp

    where, failed = f"{email.host}:{email.connects_to}", await Smtp(email).probe()
    if failed is not None:
        result: Result = "unreachable" if failed.reason in AWAY else "fail"
        return [CheckResult(name, "answers", result, f"{where}: {failed.detail}")]
    login = f", which accepts the login of {email.username}" if email.username else ""
    return [CheckResult(name, "answers", "ok", f"at {where}{login}")]


def _reached(settings: SinkSettings, url: str) -> tuple[str, str]:
    """The URL to connect to for a target: its own or that of the proxy, and a name for the latter."""
    proxy = settings.proxy
    with suppress(ValueError):
        if proxy.url is not None and proxy.leads_to(urlsplit(url).hostname or ""):
            return proxy.url.reveal(), "the proxy "
    return url, ""


async def _answers(name: str, url: str, called: str) -> list[CheckResult]:
    """Connect, with TLS for https, and send nothing. Only host and port of the URL are shown, after ``called``."""
    where = ""
    try:
        split = urlsplit(url)
        encrypted = split.scheme == "https"
        host, port = split.hostname or "", split.port or (443 if encrypted else 80)
        where = f"{called}{host}:{port}"
        async with asyncio.timeout(TIMEOUT_S):
            context = ssl.create_default_context() if encrypted else None
            _, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.close()
    except TimeoutError:
        return [
            CheckResult(
                name, "answers", "unreachable", f"{where} does not answer within {TIMEOUT_S} s; check the network"
            )
        ]
    except ssl.SSLCertVerificationError as error:
        return [
            CheckResult(
                name, "answers", "fail", f"{where} has a certificate that is not trusted: {error.verify_message}"
            )
        ]
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        why = os.strerror(number).lower() if isinstance(number, int) and number > 0 else "unknown host"
        return [CheckResult(name, "answers", "unreachable", f"{where}: {why}; check the address and the network")]
    return [CheckResult(name, "answers", "ok", f"at {where}")]


async def _test(settings: SinkSettings, name: str, clock: Clock) -> CheckResult:
    """Send a notification that is marked as a test."""
    from leadline_sinks.notify.sink import REASONS, Sent
    from leadline_sinks.targets import sink

    made = sink(settings, name, clock)
    try:
        outcome = await made.test()
    finally:
        await made.close()
    if isinstance(outcome, Sent):
        return CheckResult(name, "test", "ok", "a test was sent; check that it arrived")
    result: Result = "unreachable" if outcome.reason in AWAY else "fail"
    return CheckResult(name, "test", result, f"{REASONS[outcome.reason]}: {outcome.detail}")


async def _incident_log(settings: SinkSettings) -> list[CheckResult]:
    """Connect as the sink does, and check that its role may write."""
    from leadline_sinks.incident_log.connection import connect
    from leadline_sinks.incident_log.pg_errors import outcome

    assert settings.incident_log.dsn is not None
    dsn = settings.incident_log.dsn.reveal()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            connection = await connect(dsn)
            async with connection:
                row = await (await connection.execute(MAY_WRITE.encode())).fetchone()
    except (psycopg.Error, OSError) as error:
        failed = outcome(error, dsn)
        result: Result = "unreachable" if failed.reason in AWAY else "fail"
        return [CheckResult("incident_log", "answers", result, failed.detail)]
    except LeadlineError as error:
        return [CheckResult("incident_log", "answers", "fail", str(error))]
    assert row is not None
    user, version, may = row
    rights = f"{user} may write" if may else f"{user} may not write; run deploy/sql/incident_log.sql there"
    return [
        CheckResult("incident_log", "answers", "ok", f"PostgreSQL {version} at {database_address(dsn)}"),
        CheckResult("incident_log", "rights", "ok" if may else "fail", rights),
    ]
