"""``leadline replay``."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict

from leadline import lines, wire
from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.recording import Recorded, read
from leadline.settings.stream import StreamSettings
from leadline_cli.options import format_option, settings

if TYPE_CHECKING:
    from leadline_streams.judge.alerting import Output
    from leadline_streams.replay import Replay


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file with judgement, rules and overrides.",
)
@click.option(
    "--diff", type=click.Path(path_type=Path), metavar="FILE", help="Another settings file; show only the differences."
)
@format_option
def command(files: tuple[Path, ...], rules: Path | None, diff: Path | None, form: str) -> None:
    """Judge recorded samples again, offline.

    FILE was written by `leadline record`. The same file and settings always give the same lines. With --diff, lines
    that begin with - come only from the first settings, those with + only from the second.

    \b
    Example:
      leadline replay monday.jsonl --rules stream.yaml --diff stricter.yaml
    """
    from leadline_lab.view.show import Lines

    first = _replay(rules)
    if diff is not None:
        _compare(first.run(_records(files)), _replay(diff).run(_records(files)), form)
        return
    fired: Counter[str] = Counter()
    with Lines(json=form == "json") as show:
        for output in first.run(_records(files)):
            if not isinstance(output, Transition | Incident):
                continue
            show.event(output)
            if isinstance(output, Transition) and output.to == "firing":
                fired[output.rule] += 1
    firings = ", ".join(f"{rule} {count}" for rule, count in sorted(fired.items())) or "nothing"
    bad = f", {first.rejected} of them unusable" if first.rejected else ""
    click.echo(f"{first.records} records{bad}; fired: {firings}", err=True)


def _replay(rules: Path | None) -> "Replay":
    from leadline_streams.assembly import policy_of
    from leadline_streams.replay import Replay

    return Replay(policy_of(settings(StreamSettings, rules)))


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
