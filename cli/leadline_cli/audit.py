"""``leadline audit``."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from leadline import __version__
from leadline.advisories.entry import Facts
from leadline.advisories.loading import amended, shipped
from leadline.clock import SystemClock
from leadline.errors import ProblemFound, UnreachableError
from leadline.logs import escape
from leadline.model.alert import SEVERITIES, Severity
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.audit import AcceptedSettings
from leadline.settings.stream import StreamSettings
from leadline_cli.earlier_audit import earlier
from leadline_cli.options import cluster_option, settings
from leadline_cli.output import emit
from leadline_cli.servers import servers, servers_argument, servers_option

if TYPE_CHECKING:
    from leadline.model.audit_look import AuditLook
    from leadline.model.observation import NodeSettings, Sample
    from leadline.model.status import LinkStatus
    from leadline_streams.audit.finding import AuditReport
    from leadline_streams.audit.fleet import AuditedFleet

INTERVAL_S = 5.0
"""Bounds the statements of the look that an audit shares with an agent."""
NEVER = "never"
COLOURS = {"CRITICAL": "red", "WARNING": "yellow", "INFO": "cyan", "NOT JUDGED": "magenta", "ACCEPTED": "blue"}


@click.command()
@servers_argument
@servers_option
@cluster_option
@click.option(
    "--fail-on",
    type=click.Choice([*reversed(SEVERITIES), NEVER]),
    default="warning",
    show_default=True,
    help="The least severity of a finding for which the exit code is 1.",
)
@click.option(
    "--advisories",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Facts about versions that add to, replace or withdraw those that ship with Leadline.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file with audit.accepted: findings that somebody answers for until a day.",
)
@click.option(
    "--since",
    metavar="FILE|TIME",
    help="Show what changed since an earlier audit: from its report in JSON, or, for 7d (ago) or a date, from the "
    "incident log.",
)
@click.option(
    "--incident-log",
    "log_config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file of the sink whose incident log has earlier audits; by default LEADLINE_INCIDENT_LOG_DSN.",
)
@click.option("--brief", is_flag=True, help="Show findings of severity info in one line each.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "html", "sarif", "junit"]),
    default="text",
    show_default=True,
    help="text for people; json for programs, one object per line; the others as one document.",
)
def command(
    dsns: tuple[str, ...],
    file: Path | None,
    cluster: str,
    fail_on: str,
    advisories: Path | None,
    config: Path | None,
    since: str | None,
    log_config: Path | None,
    brief: bool,
    form: str,
) -> None:
    """Find what is set up wrong on your servers, before it becomes an outage.

    DSN is a connection string; its role needs pg_monitor and no other right. Give all servers that replicate among each
    other: many rules compare both ends of a link. Each server is read once, and nothing is changed. Of a database with
    publications or subscriptions give that database (dbname=...), as its tables are read too.

    A rule that could not be judged is listed with what would show it; it never counts as fine. Findings keep their ids
    and their order from one audit to the next, so that two reports can be compared with diff. docs/reference/audit.md
    has every rule.

    The exit code is 1 when a finding has the severity of --fail-on or a higher one, 3 when a server could not be read.

    \b
    Example:
      leadline audit --format html --servers agent.yaml >audit.html
      leadline audit pg-1='host=10.0.0.1 user=leadline dbname=app' \\
                     pg-2='host=10.0.0.2 user=leadline dbname=app'
    """
    facts = shipped() if advisories is None else amended(shipped(), advisories)
    accepted = settings(StreamSettings, config).audit.accepted
    given = servers(dsns, file, cluster)
    before = earlier(since, log_config, sorted({str(each.cluster) for each in given})) if since is not None else None
    report = audit(given, facts, accepted)
    if before is not None:
        from leadline_streams.audit.comparison import changes

        report = msgspec.structs.replace(report, changes=changes(before, report))
    _print(report, form, fail_on, brief=brief)
    if missing := [each for each in report.unseen if not each.rule and each.subject.kind == "node"]:
        raise UnreachableError(missing[0].reason)
    if fail_on != NEVER:
        least: Severity = next(each for each in SEVERITIES if each == fail_on)
        if found := report.at_least(least):
            raise ProblemFound(f"{len(found)} finding{'s' if len(found) != 1 else ''} of severity {least} or higher")


def audit(instances: list[InstanceSettings], facts: Facts, accepted: Sequence[AcceptedSettings] = ()) -> "AuditReport":
    """Read the servers and judge them, with what is accepted apart. A server that cannot be read is in the report."""
    from leadline_streams.audit.acceptance import Acceptance, with_acceptances

    report, _, rules = examine(instances, facts)
    given = [Acceptance(each.rule, each.subject, each.owner, each.reason, each.last_day) for each in accepted]
    return with_acceptances(report, given, rules, report.at.date())


def examine(instances: list[InstanceSettings], facts: Facts) -> tuple["AuditReport", list["AuditedFleet"], list[str]]:
    """Read the servers and judge them: the report, what was read by cluster, and the ids of the rules."""
    from leadline_streams.audit.auditing import audited, fleets
    from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
    from leadline_streams.audit.engines.postgresql.patch_level import patch_rules
    from leadline_streams.engines.postgresql.flavours import worded

    samples, looks, links, missing, others = read_fleet(instances)
    found = fleets(samples, looks, links)
    now = SystemClock().now()
    rules = [*AUDIT_RULES.values(), *patch_rules(facts, now.date())]
    return audited(found, rules, worded, now, missing, others), found, [rule.id for rule in rules]


def read_fleet(
    instances: list[InstanceSettings],
) -> tuple[list["Sample"], list["AuditLook"], list["LinkStatus"], dict[str, str], list[str]]:
    """Samples and looks of the servers, their links, the servers that were not read and why, and those not given."""
    from leadline_streams.assembly import policy_of
    from leadline_streams.one_look import OneLook

    clock = SystemClock()
    read = asyncio.run(_read(instances, clock))
    look = OneLook(policy_of(StreamSettings()))
    seen: list[Any] = [each for sample, settings, _ in read for each in (sample, settings) if each is not None]
    look.take(seen)
    look.tick(clock.now())
    missing = {
        str(sample.node.name): found if isinstance(found, str) else sample.error or "it does not answer"
        for sample, _, found in read
        if isinstance(found, str) or not sample.up
    }
    looks = [found for _, _, found in read if not isinstance(found, str)]
    return [sample for sample, _, _ in read], looks, look.links(), missing, look.unseen()


async def _read(
    instances: list[InstanceSettings], clock: SystemClock
) -> list[tuple["Sample", "NodeSettings | None", "AuditLook | str"]]:
    """A sample, the settings and the look of each server; in place of the look the reason why there is none."""
    from leadline_agents.engine import CannotRead
    from leadline_agents.engines.postgresql.audit_look import audit_look
    from leadline_agents.sampler import Sampler

    logging.getLogger("leadline_agents").setLevel(logging.CRITICAL)  # the report shows it
    defaults = AgentSettings(instances=instances, interval_s=INTERVAL_S)

    async def one(instance: InstanceSettings) -> tuple["Sample", "NodeSettings | None", "AuditLook | str"]:
        sampler = Sampler(instance, defaults, clock, patience_s=defaults.connect_timeout_s)
        try:
            sample, settings = await sampler.look()
            try:
                return sample, settings, await audit_look(instance, clock)
            except CannotRead as error:
                return sample, settings, str(error)
        finally:
            await sampler.close()

    return list(await asyncio.gather(*map(one, instances)))


def _print(report: "AuditReport", form: str, fail_on: str, *, brief: bool) -> None:
    from leadline_streams.audit.reports.junit import junit
    from leadline_streams.audit.reports.markdown import markdown
    from leadline_streams.audit.reports.page import html
    from leadline_streams.audit.reports.sarif import sarif
    from leadline_streams.audit.reports.text import text_lines

    if form == "text":
        for line in text_lines(report, brief=brief):
            colour = COLOURS.get(line.partition(" (")[0])
            click.echo(click.style(line, fg=colour, bold=True) if colour else escape(line))
        return
    if form == "json":
        _emit(report)
        return
    documents = {
        "markdown": lambda: markdown(report),
        "html": lambda: html(report),
        "sarif": lambda: sarif(report, __version__),
        "junit": lambda: junit(report, fail_on),
    }
    click.echo(documents[form](), nl=False)


def _emit(report: "AuditReport") -> None:
    for finding in report.findings:
        emit({"kind": "finding", **msgspec.to_builtins(finding, builtin_types=(datetime,))})
    for one in report.accepted:
        emit({"kind": "accepted", **msgspec.to_builtins(one, builtin_types=(datetime,))})
    if report.changes is not None:
        emit({"kind": "changes", **msgspec.to_builtins(report.changes)})
    for each in report.unseen:
        emit({"kind": "not_judged", **msgspec.to_builtins(each)})
    counts: dict[str, Any] = {severity: report.count(severity) for severity in reversed(SEVERITIES)}
    emit(
        {
            "kind": "summary",
            "at": report.at,
            "nodes": report.nodes,
            **counts,
            "satisfied": report.satisfied,
            "not_judged": len(report.unseen),
        }
    )
