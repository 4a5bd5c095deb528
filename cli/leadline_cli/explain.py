"""``leadline explain``."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadline import wire
from leadline.clock import SystemClock
from leadline.errors import UsageError
from leadline.recording import Recorded, read
from leadline.settings.stream import StreamSettings
from leadline.signature import SignatureCheck
from leadline.topic_span import records_between
from leadline_cli.incidents.listing import Since
from leadline_cli.options import config_option, format_option, parse_duration, settings

if TYPE_CHECKING:
    from leadline_streams.explain.explanation import Explanation
    from leadline_streams.explain.subjects import Chosen
    from leadline_streams.explain.traced import TracedReplay

AFTER = timedelta(seconds=10)
"""A look may be written so long after it was made."""


@click.command()
@click.argument("subject", metavar="LINK|NODE|INCIDENT")
@config_option
@click.option(
    "-r",
    "--recording",
    "files",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    help="Read samples from a file of `leadline record`, not from Kafka. Repeat it for several files in their order.",
)
@click.option("--at", type=Since(), help="The time to explain: 90m, 12h or 7d ago, or a date and time; default: now.")
@click.option(
    "--back",
    metavar="DURATION",
    default="30m",
    show_default=True,
    help="Judge samples from so long before that time on: 30m, 2h. What began earlier is not seen.",
)
@click.option("--cluster", metavar="NAME", help="The cluster, where a name alone does not say which.")
@click.option("--all", "whole", is_flag=True, help="Show the rules that are within their limits, too.")
@format_option
def command(
    subject: str,
    config: Path | None,
    files: tuple[Path, ...],
    at: datetime | None,
    back: str,
    cluster: str | None,
    whole: bool,
    form: str,
) -> None:
    """Explain why a link, a node or an incident did or did not alert and page.

    Judges the samples up to a time again and shows what that used and decided: the answer in one line, looks, verdicts,
    each rule with its value, the limits in force and the settings that give them, and when its alert takes its next
    step; silences, acknowledgements and other incidents that hold a page back; and who was notified. With --recording
    it needs no Kafka; silences and deliveries are then not seen. --config names the settings of the limits.

    \b
    Example:
      leadline explain 'orders/pg-1->pg-2' -c stream.yaml --at 2026-04-10T10:00
      leadline explain pg-2 --recording monday.jsonl --format json
    """
    from leadline_cli.explain_page import page

    given = settings(StreamSettings, config)
    span = parse_duration(back)
    if span is None:
        raise UsageError(f"--back {back}: give a duration such as 30m, 2h or 1d")
    found = (
        _of_files(subject, given, files, at, span, cluster)
        if files
        else asyncio.run(_of_kafka(subject, given, at or SystemClock().now(), span, cluster))
    )
    click.echo(wire.encode(found) if form == "json" else page(found, whole=whole))


def _traced(given: StreamSettings, cluster: str | None, at: datetime | None) -> "TracedReplay":
    from leadline_streams.assembly import auditor_of, policy_of
    from leadline_streams.explain.traced import TracedReplay

    check = SignatureCheck.of(given.kafka.signing_secret)
    return TracedReplay(policy_of(given), check, auditor_of(given), cluster, at)


def _of_files(
    subject: str,
    given: StreamSettings,
    files: Iterable[Path],
    at: datetime | None,
    span: timedelta,
    cluster: str | None,
) -> "Explanation":
    traced = _traced(given, cluster or cluster_of(subject), at)
    since_ms = (at - span).timestamp() * 1000 if at is not None else 0.0
    for record in _records(files):
        if record.timestamp_ms >= since_ms and not traced.take(record):
            break
    return traced.explain(*traced.choose(subject))


def _records(files: Iterable[Path]) -> Iterable[Recorded]:
    for file in files:
        yield from read(file)


async def _of_kafka(
    subject: str, given: StreamSettings, at: datetime, span: timedelta, cluster: str | None
) -> "Explanation":
    from leadline_cli import explain_source

    name = cluster or cluster_of(subject)
    if name is None:
        raise UsageError(f"{subject} does not say of which cluster it is; give --cluster NAME")
    traced = _traced(given, name, at)
    found = records_between(given.kafka, "samples", explain_source.CLIENT, name, at - span, at + AFTER)
    async with aclosing(found) as records:
        async for record in records:
            if not traced.take(record):
                break
    chosen, memory = traced.choose(subject)
    incidents = [each.id for each in (*memory.incidents, *memory.ended)]
    return traced.explain(
        chosen, memory, await explain_source.notified(given.kafka, name, _about(chosen), incidents, at)
    )


def _about(chosen: "Chosen") -> frozenset[str]:
    return frozenset({chosen.ident, *chosen.links, *(chosen.nodes if chosen.kind != "link" else ())})


def cluster_of(subject: str) -> str | None:
    """The cluster that an identity names; None for a name alone."""
    from urllib.parse import unquote

    if subject.startswith("inc_"):
        return unquote(subject.removeprefix("inc_").rsplit("_", 2)[0]) or None
    return unquote(subject.partition("/")[0]) if "/" in subject else None
