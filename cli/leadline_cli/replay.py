"""``leadline replay``."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins
from msgspec.structs import asdict

from leadline import lines, wire
from leadline.clock import moment
from leadline.errors import UsageError
from leadline.logs import escape
from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.recording import Recorded, read
from leadline.settings.stream import StreamSettings
from leadline.signature import SignatureCheck
from leadline.words import duration
from leadline_cli.options import format_option, settings

if TYPE_CHECKING:
    from leadline_streams.judge.alerting import Output
    from leadline_streams.replay import Replay
    from leadline_streams.rule_diff import Difference


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file with judgement, rules and overrides, and kafka.signing_secret to check signatures.",
)
@click.option(
    "--diff", type=click.Path(path_type=Path), metavar="FILE", help="Another settings file; show only the differences."
)
@click.option(
    "--firings",
    is_flag=True,
    help="With --diff: what fires less, later, milder or shorter with the second settings, then what fires more.",
)
@format_option
def command(files: tuple[Path, ...], rules: Path | None, diff: Path | None, firings: bool, form: str) -> None:
    """Judge recorded samples again, offline.

    FILE was written by `leadline record`. The same file and settings always give the same lines. With --diff, lines
    that begin with - come only from the first settings, those with + only from the second; with --firings too, whole
    alerts are compared, worst first: those that nobody would be notified of any more come before those that are new.
    Where the settings have kafka.signing_secret, records that the key of their cluster did not sign are left out, as
    the processor does.

    \b
    Example:
      leadline replay monday.jsonl --rules stream.yaml --diff stricter.yaml
      leadline replay monday.jsonl --rules stream.yaml --diff new.yaml --firings
    """
    from leadline_lab.view.show import Lines

    if firings and diff is None:
        raise UsageError("--firings compares two settings files; give --diff FILE, too")
    first = _replay(rules)
    if diff is not None and firings:
        _compare_firings(first.run(_records(files)), _replay(diff).run(_records(files)), form)
        _say_whether_signatures_were_checked(first)
        return
    if diff is not None:
        _compare(first.run(_records(files)), _replay(diff).run(_records(files)), form)
        _say_whether_signatures_were_checked(first)
        return
    fired: Counter[str] = Counter()
    with Lines(json=form == "json") as show:
        for output in first.run(_records(files)):
            if not isinstance(output, Transition | Incident):
                continue
            show.event(output)
            if isinstance(output, Transition) and output.to == "firing":
                fired[output.rule] += 1
    shown = ", ".join(f"{rule} {count}" for rule, count in sorted(fired.items())) or "nothing"
    bad = f", {first.rejected} of them unusable" if first.rejected else ""
    unsigned = f" ({first.unsigned} not signed with the key of their cluster)" if first.unsigned else ""
    click.echo(f"{first.records} records{bad}{unsigned}; fired: {shown}", err=True)
    _say_whether_signatures_were_checked(first)


def _replay(rules: Path | None) -> "Replay":
    from leadline_streams.assembly import auditor_of, policy_of
    from leadline_streams.replay import Replay

    given = settings(StreamSettings, rules)
    return Replay(policy_of(given), SignatureCheck.of(given.kafka.signing_secret), auditor_of(given))


def _say_whether_signatures_were_checked(done: "Replay") -> None:
    if done.signed and not done.checks_signatures:
        how = "set kafka.signing_secret in the file of --rules to check them"
        click.echo(f"{done.signed} records are signed; their signatures were not checked: {how}", err=True)


def _records(files: Iterable[Path]) -> Iterator[Recorded]:
    for file in files:
        yield from read(file)


def _compare(before: "Iterable[Output]", after: "Iterable[Output]", form: str) -> None:
    from leadline_streams.replay import compare

    only_before, only_after = compare(before, after)
    signed = [("-", transition) for transition in only_before] + [("+", transition) for transition in only_after]
    for sign, transition in sorted(signed, key=lambda pair: (pair[1].event_time, pair[0])):
        if form == "json":
            click.echo(wire.encode({"only": "first" if sign == "-" else "second", **asdict(transition)}))
        else:
            click.echo(f"{sign} {lines.transition(transition)}")
    click.echo(f"{len(only_before)} only with the first settings, {len(only_after)} only with the second", err=True)


def _compare_firings(before: "Iterable[Output]", after: "Iterable[Output]", form: str) -> None:
    from leadline_streams.rule_diff import rule_diff

    found = rule_diff(before, after)
    for each in found.differences:
        click.echo(wire.encode(to_builtins(each)) if form == "json" else _difference(each))
    fire, opened = (
        f"{one} with the first settings, {two} with the second" for one, two in (found.firings, found.incidents)
    )
    click.echo(f"{found.same} firings are alike; firings: {fire}; incidents: {opened}", err=True)


def _difference(each: "Difference") -> str:
    """One line: what is otherwise with the second settings, when and where."""
    firing = each.before or each.after
    assert firing is not None
    when = f"{moment(firing.at):%Y-%m-%d %H:%M:%S}"
    severity: str = firing.severity
    if each.kind in ("milder", "severer") and each.before is not None and each.after is not None:
        severity = f"{each.before.severity} -> {each.after.severity}"
    by = (
        f"for {duration(each.by_s)}"
        if each.kind in ("less", "more", "milder", "severer")
        else f"by {duration(each.by_s)}"
    )
    return escape(f"{each.kind:<8} {by:<16} {when}  {firing.rule} {severity} on {firing.subject}: {firing.summary}")
