"""``leadline query``."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from leadline.clock import SystemClock
from leadline.errors import UsageError
from leadline.settings.sink import SinkSettings
from leadline_cli.incidents.listing import Since
from leadline_cli.options import config_option, settings
from leadline_cli.output import emit, table
from leadline_cli.query_columns import COLUMNS, Filters, cells, csv_lines, matches
from leadline_cli.query_text import HEADINGS, shown

if TYPE_CHECKING:
    from leadline.settings.common import KafkaSettings

CLIENT = "leadline-query"
BY_DEFAULT_S = {"lag": 3600.0, "alerts": 86_400.0}
"""So far back is read without --since."""


class What(click.Choice[str]):
    """The kind of rows; the singular means the same."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The plural."""
        plural = f"{value}s"
        return super().convert(plural if plural in self.choices else value, param, ctx)


@click.command()
@click.argument("what", type=What(list(COLUMNS)))
@config_option
@click.option("--cluster", metavar="PATTERN", default="*", help="Only of these clusters; * and ? are wildcards.")
@click.option("--node", metavar="PATTERN", default="*", help="Only nodes of this name, or links and alerts about one.")
@click.option("--link", metavar="PATTERN", default="*", help="Only these links, such as 'orders/pg-1->*'.")
@click.option("--verdict", metavar="PATTERN", default="*", help="Only links, roll-ups and alerts with this verdict.")
@click.option("--severity", metavar="PATTERN", default="*", help="Only incidents and alerts of this severity.")
@click.option("--rule", metavar="PATTERN", default="*", help="Only incidents and alerts of this rule.")
@click.option("--state", type=click.Choice(["open", "resolved"]), help="Only incidents in this state.")
@click.option(
    "--window", type=click.Choice(["10", "60"]), default="60", show_default=True, help="Seconds of a roll-up."
)
@click.option("--since", type=Since(), help="From this time on: 90m, 12h or 7d ago, or a date and time.")
@click.option("--until", type=Since(), help="Up to this time, in the same form.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "csv", "json"]),
    help="text: the main columns, for people; csv: all columns, with headings; json: the whole record, one object per "
    "line. The default is text in a terminal, and csv in a pipe or file.",
)
def command(
    what: str,
    config: Path | None,
    cluster: str,
    node: str,
    link: str,
    verdict: str,
    severity: str,
    rule: str,
    state: str | None,
    window: str,
    since: datetime | None,
    until: datetime | None,
    form: str | None,
) -> None:
    """Print links, nodes, lag, incidents or alerts as a table, CSV or JSON.

    WHAT is links or nodes: as they were last judged; lag: roll-ups of each link, of the last hour without --since;
    alerts: every transition, of the last day without --since; incidents: those that were open between --since and
    --until, as they are now. Rows of one cluster come in the order of their times. Kafka keeps lag and alerts for 30
    days, incidents for 90; `leadline incidents` has older ones, from the incident log, and `leadline sink parquet`
    keeps everything. In CSV an unknown value is empty, and text that a spreadsheet would take for a formula begins
    with an apostrophe.

    \b
    Example:
      leadline query links -c sink.yaml
      leadline query lag --link 'orders/*' --since 6h -c sink.yaml >lag.csv
      leadline query links --verdict cut_off -c sink.yaml
      leadline query incidents --since 7d --format json -c sink.yaml
    """
    if since is not None and until is not None and until < since:
        raise UsageError("--until is before --since; exchange them")
    if what in BY_DEFAULT_S and since is None:
        since = datetime.fromtimestamp(SystemClock().now().timestamp() - BY_DEFAULT_S[what], UTC)
    filters = Filters(cluster, node, link, verdict, severity, rule, state, float(window), since, until)
    kafka = settings(SinkSettings, config).kafka
    if form == "text" or (form is None and sys.stdout.isatty()):
        rows: list[Any] = []
        asyncio.run(_print(kafka, what, filters, rows.append))
        if rows:
            table(HEADINGS[what], [shown(each) for each in rows])
        else:
            click.echo(f"no {what}")
        return
    put = emit if form == "json" else _csv(what)
    asyncio.run(_print(kafka, what, filters, put))


def _csv(what: str) -> Callable[[Any], None]:
    put = csv_lines(sys.stdout.write)
    put(COLUMNS[what])
    return lambda value: put(cells(what, value))


async def _print(kafka: "KafkaSettings", what: str, filters: Filters, put: Callable[[Any], None]) -> None:
    async for values in _read(kafka, what, filters.since):
        for value in values:
            if matches(what, value, filters):
                put(value)


async def _read(kafka: "KafkaSettings", what: str, since: datetime | None) -> AsyncGenerator[list[Any], None]:
    from leadline.topic_range import written_since
    from leadline.topic_table import latest
    from leadline.wire import ALERTS, INCIDENTS, LAG, STATUS

    if what in ("links", "nodes"):
        found = await latest(kafka, STATUS, CLIENT)
        yield [found[name] for name in sorted(found)]
    elif what == "incidents":
        incidents = await latest(kafka, INCIDENTS, CLIENT)
        yield sorted(incidents.values(), key=lambda each: (each.detected_at, each.incident_id))
    else:
        codec: Any = LAG if what == "lag" else ALERTS
        async for batch in written_since(kafka, codec, CLIENT, since, _begins_later):
            yield batch


def _begins_later(at: datetime) -> None:
    click.echo(f"leadline: Kafka has nothing from before {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC any more", err=True)
