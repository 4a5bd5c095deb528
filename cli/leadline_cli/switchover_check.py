"""``leadline switchover-check``."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from leadline.advisories.loading import shipped
from leadline.clock import SystemClock
from leadline.errors import ProblemFound, UnreachableError, UsageError
from leadline.logs import escape
from leadline.steps import grouped
from leadline.words import size
from leadline_cli.audit import examine
from leadline_cli.options import cluster_option, format_option
from leadline_cli.output import emit
from leadline_cli.servers import servers, servers_argument, servers_option

if TYPE_CHECKING:
    from leadline_streams.audit.engines.postgresql.following import Obstacle
    from leadline_streams.audit.engines.postgresql.switchover import Switchover
    from leadline_streams.audit.finding import AuditReport
    from leadline_streams.audit.fleet import AuditedFleet

_WHOLE_WORDS: Any = {"break_long_words": False, "break_on_hyphens": False}
COLOURS = {"yes": "green", "no": "red", "cannot say": "yellow"}


@click.command()
@servers_argument
@servers_option
@cluster_option
@click.option("--to", metavar="NAME", help="Judge this standby alone. By default every standby of the primary.")
@format_option
def command(dsns: tuple[str, ...], file: Path | None, cluster: str, to: str | None, form: str) -> None:
    """Say whether a standby may take its primary's place in a planned switchover.

    The answer is yes, no, or that it cannot be seen. Give the primary and all servers that follow it. Each is read
    once, with pg_monitor and no other right, and nothing is changed. The servers are judged as they are, and as they
    would be: the settings of the new primary, whether each standby and subscriber could follow it, with its slots, and
    whether the old primary could follow it and take its place again. Each answer has its reasons, with steps.

    The exit code is 0 if each standby that was asked about is ready, 1 if one is not, and 3 when it cannot be seen.

    \b
    Example:
      leadline switchover-check --to pg-2 \\
        pg-1='host=10.0.0.1 user=leadline dbname=postgres' \\
        pg-2='host=10.0.0.2 user=leadline dbname=postgres'
    """
    given = servers(dsns, file, cluster)
    if to is not None and to not in {each.name for each in given}:
        raise UsageError(f"--to {to}: no server of that name was given; there are {', '.join(e.name for e in given)}")
    report, fleets, _ = examine(given, shipped())
    found = [each for fleet in fleets for each in _judged(fleet, report, to)]
    for each in found:
        if form == "json":
            emit({"kind": "switchover", **msgspec.to_builtins(each)})
        else:
            _print(each)
    _end(found, report, to)


def _judged(fleet: "AuditedFleet", report: "AuditReport", to: str | None) -> "list[Switchover]":
    from leadline_streams.audit.auditing import audited
    from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
    from leadline_streams.audit.engines.postgresql.switchover import switchovers
    from leadline_streams.engines.postgresql.flavours import worded

    now = SystemClock().now()
    return switchovers(fleet, report, lambda then: audited([then], AUDIT_RULES.values(), worded, now), to)


def _end(found: "Sequence[Switchover]", report: "AuditReport", to: str | None) -> None:
    """Raise the error of the exit code."""
    unread = [each for each in report.unseen if not each.rule]
    missing = [each.reason for each in unread if each.subject.kind == "node"]
    if not found:
        missing += [each.reason for each in unread if each.subject.kind != "node"]
    if refused := [each for each in found if each.answer == "no"]:
        raise ProblemFound(f"{refused[0].standby} is not ready to take the place of {refused[0].primary}")
    if not found and not missing:
        raise ProblemFound(f"{to or 'none of these servers'} {'is' if to else 'are'} no standby of another one of them")
    if missing:
        raise UnreachableError(missing[0])
    if open_ := [each for each in found if each.answer == "cannot say"]:
        raise UnreachableError(f"cannot see whether {open_[0].standby} is ready: {open_[0].not_seen[0]}")


def _print(found: "Switchover") -> None:
    word = click.style(found.answer.upper(), fg=COLOURS[found.answer], bold=True)
    click.echo(word + escape(f"  switch over from {found.primary} to {found.standby}"))
    lines = [f"because: {_text(each)}" for each in found.reasons]
    lines += [f"not seen: {each}" for each in found.not_seen]
    if found.behind_bytes is not None:
        lines.append(f"to send first: {size(found.behind_bytes)} of WAL that only {found.primary} has")
    if found.unreplayed_bytes:
        lines.append(f"to replay first: {size(found.unreplayed_bytes)}")
    if found.follow:
        reasons = "".join(f"; {_text(each)}" for each in found.back_reasons)
        lines += [f"follow {found.standby} then: {', '.join(found.follow)}"]
        lines += [f"back to {found.primary} later: {found.back}{reasons}"]
    lines += [f"to know: {each}" for each in found.to_know]
    for line in lines:
        _say(line, 2)
    for reason in (*found.reasons, *found.back_reasons):
        if reason.steps:
            click.echo()
            _say(_text(reason), 2)
            place = ""
            for group in grouped(reason.steps):
                if group.place and group.place != place:
                    _say(f"on {group.place}:", 4)
                place, indent = group.place, 6 if group.place else 4
                for text in (group.warning, *group.lines):
                    if group.statements and text != group.warning:
                        click.echo(escape(" " * indent + text))
                    elif text:
                        _say(text, indent)
    click.echo()


def _say(text: str, indent: int) -> None:
    """Print a text at 80 columns. Statements are never broken."""
    hanging = " " * (indent + 2)
    for line in textwrap.wrap(text, 80, initial_indent=" " * indent, subsequent_indent=hanging, **_WHOLE_WORDS):
        click.echo(escape(line))


def _text(reason: "Obstacle") -> str:
    return f"{reason.text} ({reason.rule})" if reason.rule else reason.text
