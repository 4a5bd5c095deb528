"""``leadline silence``."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

import click
import msgspec
import orjson

from leadline.clock import SystemClock
from leadline.errors import UnreachableError, UsageError
from leadline.kafka import publish
from leadline.logs import escape
from leadline.model.silence import Silence
from leadline.settings.common import KafkaSettings
from leadline.settings.sink import SinkSettings
from leadline.silence_words import patterns
from leadline.topic_table import latest
from leadline.wire import DELIVERIES, SILENCES, encode
from leadline.words import duration
from leadline_cli.matchable import check
from leadline_cli.options import by_option, config_option, format_option, parse_duration, settings, user
from leadline_cli.output import emit, table

LONGEST: Final = timedelta(days=366)
CLIENT: Final = "leadline-silence"
State = Literal["active", "to come", "over"]


class For(click.ParamType):
    """A duration in minutes, hours or days."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The duration."""
        if isinstance(value, timedelta):
            return value
        length = parse_duration(value)
        if length is None or not timedelta(0) < length <= LONGEST:
            self.fail(f"give 90m, 12h or 7d, at most {LONGEST.days}d", param, ctx)
        return length


@click.group()
def command() -> None:
    """Hold back notifications for a while.

    \b
    Example:
      leadline silence add cluster=orders --for 2h -c sink.yaml
    """


@command.command("add")
@click.argument("matchers", nargs=-1, required=True, metavar="NAME=PATTERN...")
@config_option
@click.option(
    "--for", "length", type=For(), required=True, metavar="DURATION", help="Length of the silence: 90m, 12h or 7d."
)
@click.option("--comment", default="", metavar="TEXT", help="The reason, for other people.")
@click.option("--unknown", is_flag=True, help="Accept a cluster, datacenter or incident that Kafka does not show yet.")
@by_option
@format_option
def add_(
    matchers: Sequence[str],
    config: Path | None,
    length: timedelta,
    comment: str,
    unknown: bool,
    by: str | None,
    form: str,
) -> None:
    """Send no notification of matching incidents from now on. The incident log still records them.

    NAME is cluster, datacenter, severity, rule, cause, incident or label.NAME. PATTERN may contain * and ?. All
    matchers must match; of an incident's rules or causes, one is enough. A pattern that matches nothing is refused. The
    end of an incident that was already sent is still sent.

    \b
    Example:
      leadline silence add cluster=orders 'rule=replication_*' --for 2h \\
          --comment 'resize of pg-2' -c sink.yaml
    """
    from leadline_sinks.notify.matchable import parsed

    kafka = settings(SinkSettings, config).kafka
    now = SystemClock().now()
    silence = _valid(
        Silence(
            silence_id=f"sil_{uuid4().hex[:12]}",
            matchers=parsed(matchers),
            starts_at=now,
            ends_at=now + length,
            created_by=(by or user())[:255],
            comment=comment,
        )
    )
    asyncio.run(check(silence.matchers, kafka, CLIENT, now, unknown=unknown))
    asyncio.run(publish(kafka, CLIENT, silence))
    if form == "json":
        emit(_plain(silence))
    else:
        length_s = length.total_seconds()
        click.echo(escape(f"{silence.silence_id}: {patterns(silence)} is silenced for {duration(length_s)}"))


@command.command("list")
@config_option
@click.option("--all", "every", is_flag=True, help="Also silences that have ended.")
@format_option
def list_(config: Path | None, every: bool, form: str) -> None:
    """List active and future silences, in the order of their ends, with the number of incidents that each held back.

    \b
    Example:
      leadline silence list -c sink.yaml --format json
    """
    now = SystemClock().now()
    kafka = settings(SinkSettings, config).kafka
    found, held = asyncio.run(_there(kafka)), asyncio.run(_held_back(kafka))
    shown = [silence for silence in found if every or _state(silence, now) != "over"]
    if form == "json":
        for silence in shown:
            of = {
                "state": _state(silence, now),
                "held_back": held.get(silence.silence_id, []) if held is not None else None,
            }
            emit(_plain(silence) | of)
    elif shown:
        heads = ("silence", "matchers", "state", "ends in", "held back", "by", "comment")
        table(heads, [_row(silence, now, held) for silence in shown])
    else:
        click.echo("no silences")


@command.command("expire")
@click.argument("ids", nargs=-1, required=True, metavar="SILENCE...")
@config_option
@by_option
@format_option
def expire_(ids: Sequence[str], config: Path | None, by: str | None, form: str) -> None:
    """End silences now. Matching incidents that are still open are then sent.

    SILENCE may be shortened to its first characters.

    \b
    Example:
      leadline silence expire sil_5f1c -c sink.yaml
    """
    kafka = settings(SinkSettings, config).kafka
    now = SystemClock().now()
    ended_by = (by or user())[:255]
    there = [silence for silence in asyncio.run(_there(kafka)) if _state(silence, now) != "over"]
    for silence in [_the_one(ident, there) for ident in ids]:
        ended = msgspec.structs.replace(silence, starts_at=min(silence.starts_at, now), ends_at=now, ended_by=ended_by)
        asyncio.run(publish(kafka, CLIENT, ended))
        if form == "json":
            emit(_plain(ended))
        else:
            click.echo(escape(f"{ended.silence_id}: {patterns(ended)} is no longer silenced"))


def _valid(silence: Silence) -> Silence:
    """The same silence. Raises UsageError when readers would reject it."""
    try:
        return msgspec.convert(_plain(silence), Silence)
    except msgspec.ValidationError as error:
        raise UsageError(f"invalid silence: {error}") from None


async def _there(kafka: KafkaSettings) -> list[Silence]:
    found = await latest(kafka, SILENCES, CLIENT)
    return sorted(found.values(), key=lambda silence: (silence.ends_at, silence.silence_id))


async def _held_back(kafka: KafkaSettings) -> dict[str, list[str]] | None:
    """The incidents of which a silence held back the last notification, by the silence; None where that is not seen."""
    try:
        deliveries = await latest(kafka, DELIVERIES, CLIENT)
    except UnreachableError as error:
        click.echo(escape(f"leadline: what was held back is not seen: {error}"), err=True)
        return None
    found: dict[str, dict[str, None]] = {}
    for delivery in deliveries.values():
        if delivery.outcome == "suppressed" and delivery.reason is not None:
            found.setdefault(delivery.reason, {})[delivery.incident_id] = None
    return {silence: list(incidents) for silence, incidents in found.items()}


def _the_one(ident: str, there: Sequence[Silence]) -> Silence:
    found = [silence for silence in there if silence.silence_id.startswith(ident)]
    exact = [silence for silence in found if silence.silence_id == ident]
    if len(exact or found) == 1:
        return (exact or found)[0]
    names = ", ".join(silence.silence_id for silence in (found or there)) or "none"
    if found:
        raise UsageError(f"{ident!r} is ambiguous: {names}; give more characters")
    raise UsageError(f"there is no silence {ident!r}; silences: {names}")


def _state(silence: Silence, now: datetime) -> State:
    return "to come" if now < silence.starts_at else "active" if now < silence.ends_at else "over"


def _row(silence: Silence, now: datetime, held: Mapping[str, Sequence[str]] | None) -> tuple[str, ...]:
    left_s = (silence.ends_at - now).total_seconds()
    ends = duration(left_s) if left_s > 0 else "-"
    state, by = _state(silence, now), silence.created_by
    count = str(len(held.get(silence.silence_id, ()))) if held is not None else "?"
    return silence.silence_id, patterns(silence), state, ends, count, by, silence.comment


def _plain(silence: Silence) -> dict[str, Any]:
    plain: dict[str, Any] = orjson.loads(encode(silence))
    return plain
