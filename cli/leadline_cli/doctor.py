"""``leadline doctor``."""

import asyncio
from dataclasses import asdict
from pathlib import Path

import click

from leadline.errors import ProblemFound, UnreachableError
from leadline_cli.config import load_for, process_option
from leadline_cli.options import config_option, format_option
from leadline_cli.output import emit, table


@click.command()
@config_option
@process_option
@click.option("--notify", is_flag=True, help="Send a test to each target of a sink.")
@format_option
def command(config: Path | None, process: str | None, notify: bool, form: str) -> None:
    """Check that everything a process needs is there.

    Kafka answers and its topics are right. For an agent also: every database answers, is of a version we know and lets
    us see enough, its clock agrees with ours, and the spool can be written. For a sink: its targets can be reached, and
    the incident log be written. Exit code 1 when something is wrong, 3 when something does not answer.

    Example: leadline doctor -c agent.yaml
    """
    from leadline.clock import SystemClock
    from leadline_cli.checks import examine

    findings = asyncio.run(examine(load_for(process, config).settings, SystemClock(), notify=notify))
    if form == "json":
        for finding in findings:
            emit(asdict(finding))
    else:
        table(("what", "check", "result", ""), [(f.subject, f.check, f.result, f.said) for f in findings])
    results = [finding.result for finding in findings]
    silent, failed = results.count("unreachable"), len(results) - results.count("ok")
    if silent:
        raise UnreachableError(f"{failed} of {len(results)} checks failed, {silent} of them for want of an answer")
    if failed:
        raise ProblemFound(f"{failed} of {len(results)} checks failed")
