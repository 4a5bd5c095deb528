"""``leadline verify``."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
import msgspec

from leadline import wire
from leadline.clock import SystemClock, epoch
from leadline.errors import UsageError
from leadline_cli.options import begin, config_option, format_option
from leadline_cli.servers import parse, servers
from leadline_cli.verify_output import ProgressLine, conclude, print_report

if TYPE_CHECKING:
    from leadline_verify.outcome import RowFinding, VerifyReport
    from leadline_verify.request import VerifyRequest

log = logging.getLogger(__name__)


@click.command()
@click.argument("upstream", required=False, metavar="[NAME=]UPSTREAM")
@click.argument("downstream", required=False, metavar="[NAME=]DOWNSTREAM")
@config_option
@click.option("--table", "tables", multiple=True, metavar="NAME", help="Only this table; may be given several times.")
@click.option("--schema", metavar="NAME", help="Only tables of this schema.")
@click.option("--subscription", metavar="NAME", help="The subscription to compare, where several fit.")
@click.option(
    "--resume", type=click.Path(path_type=Path), metavar="FILE", help="Keep the position here; go on from it."
)
@click.option(
    "--max-lag", type=click.FloatRange(0.1), default=30.0, show_default=True, metavar="S",
    help="Longest wait for the downstream; a chunk that needs more is put to the end of its table.",
)  # fmt: skip
@click.option(
    "--rate", "--max-rows-per-s", "rate", type=click.FloatRange(min=1), metavar="ROWS", help="Most rows per second."
)
@click.option("--max-duration", type=click.FloatRange(min=0), metavar="S", help="End after so many seconds.")
@click.option("--window", metavar="HH:MM-HH:MM", help="Read only in this part of the day, in UTC; wait outside of it.")
@click.option(
    "--chunk", type=click.IntRange(100, 1_000_000), default=10_000, show_default=True, metavar="ROWS",
    help="Rows that one statement reads.",
)  # fmt: skip
@click.option(
    "--statement-timeout", type=click.FloatRange(0.1), default=30.0, show_default=True, metavar="S",
    help="Longest statement; a chunk that takes longer is tried with fewer rows.",
)  # fmt: skip
@click.option(
    "--max-differences", type=click.IntRange(1), default=10_000, show_default=True, metavar="ROWS",
    help="Differing rows of a table after which its rest is not compared.",
)  # fmt: skip
@click.option(
    "--max-active",
    type=click.IntRange(0),
    metavar="N",
    help="Wait while either server has more sessions in the midst of a statement.",
)
@click.option(
    "--pause-lag", type=click.FloatRange(min=0, min_open=True), metavar="S",
    help="Read nothing while the downstream is more seconds behind.",
)  # fmt: skip
@click.option(
    "--amcheck", is_flag=True,
    help="Check the pages of a standby's tables and indexes too, where extension amcheck is installed.",
)  # fmt: skip
@click.option("--strong", is_flag=True, help="Compare two sums, one with a seed that nobody can know before.")
@click.option("--show-values", is_flag=True, help="Show the values of differing columns, which may be personal data.")
@click.option(
    "--keys", type=click.Path(path_type=Path), metavar="FILE", help="Write every differing row, as JSON lines."
)
@click.option(
    "--repair-sql",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write statements that would repair; run none.",
)
@format_option
def command(
    upstream: str | None,
    downstream: str | None,
    config: Path | None,
    tables: tuple[str, ...],
    schema: str | None,
    subscription: str | None,
    resume: Path | None,
    max_lag: float,
    rate: float | None,
    max_duration: float | None,
    window: str | None,
    chunk: int,
    statement_timeout: float,
    max_differences: int,
    max_active: int | None,
    pause_lag: float | None,
    amcheck: bool,
    strong: bool,
    show_values: bool,
    keys: Path | None,
    repair_sql: Path | None,
    form: str,
) -> None:
    """Compare the data of a server with that of a standby or a subscriber, while both are in use.

    UPSTREAM and DOWNSTREAM are connection strings to the database that is compared. The role needs SELECT on its
    tables: deploy/sql/verify.sql. It is not the agent's role, and no table is written.

    Digests of chunks are computed in the servers. Where they differ, the downstream is waited for, and rows are
    compared by key until each difference is confirmed or has settled: a row that is only late is never reported. A run
    also falsifies one row in its own computation, and must find it.

    The exit code is 0 when all is equal, 1 when a row differs or a page is damaged, and 3 when a server does not
    answer, when something could not be compared or decided, and when the run did not find its own difference.

    Without servers it is a process that compares the links of the settings file on a schedule, within its budget, and
    publishes what it finds: differing rows are a page. It runs until SIGTERM or Ctrl-C.

    \b
    Example:
      leadline verify -c /etc/leadline/verify.yaml
      leadline verify pg-1='host=10.0.0.1 user=leadline_verify dbname=app' \\
                      pg-2='host=10.0.0.2 user=leadline_verify dbname=app'
    """
    from leadline_verify.limits import RunLimits, parse_window
    from leadline_verify.request import VerifyRequest

    if upstream is None:
        _serve(config)
        return
    if downstream is None:
        raise UsageError("give the downstream too: leadline verify UPSTREAM DOWNSTREAM")
    if config is not None:
        raise UsageError("-c: the servers are in the settings file; give either a file or two servers")
    _check("UPSTREAM", upstream)
    _check("DOWNSTREAM", downstream)
    up, down = servers([upstream, downstream], None, "main", ask=False)
    request = VerifyRequest(
        upstream=str(up.name),
        upstream_dsn=up.dsn.reveal(),
        downstream=str(down.name),
        downstream_dsn=down.dsn.reveal(),
        tables=tables,
        schema=schema,
        subscription=subscription,
        limits=RunLimits(
            chunk_rows=chunk,
            max_rows_per_s=rate,
            max_lag_s=max_lag,
            max_duration_s=max_duration,
            max_differences=max_differences,
            max_active=max_active,
            pause_lag_s=pause_lag,
            statement_timeout_s=statement_timeout,
            window=parse_window(window) if window else None,
        ),
        amcheck=amcheck,
        strong=strong,
        show_values=show_values,
        resume=resume,
        repair_sql=repair_sql,
    )
    with _written(keys, "--keys") as stream:
        report = _run(request, stream, form)
    print_report(report, form)
    conclude(report)


def _check(argument: str, text: str) -> None:
    """Raise UsageError with the name of the argument when it is no connection string; its text is never shown."""
    try:
        parse(text)
    except UsageError as error:
        raise UsageError(f"{argument}: {error}") from None


def _serve(config: Path | None) -> None:
    """The long-running part."""
    from leadline import metrics
    from leadline.settings.verify import VerifySettings
    from leadline.topics import require
    from leadline_verify.scheduled.comparison import ServerComparison
    from leadline_verify.scheduled.positions import PositionFiles
    from leadline_verify.scheduled.service import run

    settings = begin(VerifySettings, config)
    asyncio.run(require(settings.kafka))
    metrics.serve("verify", settings.metrics)
    clock = SystemClock()
    positions = PositionFiles(settings.state_dir)
    if problem := positions.begin(epoch(clock.now())):
        log.warning("%s: a comparison that is interrupted begins anew", problem)
    asyncio.run(run(settings, ServerComparison(settings.budget, clock, positions), clock))


def _run(request: "VerifyRequest", keys: IO[bytes] | None, form: str) -> "VerifyReport":
    from leadline_verify.verifying import Run

    shown = ProgressLine(live=sys.stderr.isatty() and form == "text")

    def on_row(row: "RowFinding") -> None:
        if keys is not None:
            keys.write(wire.encode(msgspec.to_builtins(row, builtin_types=(datetime,))) + b"\n")
            keys.flush()

    try:
        return asyncio.run(Run(request, SystemClock(), on_row, shown.show, shown.wait).verify())
    except KeyboardInterrupt:
        shown.end()
        hint = f"; run it again with --resume {request.resume} to go on" if request.resume else ""
        click.echo(f"leadline: stopped; nothing is left on the servers{hint}", err=True)
        raise
    finally:
        shown.end()


@contextlib.contextmanager
def _written(file: Path | None, option: str) -> Iterator[IO[bytes] | None]:
    """A file that is written from its beginning, readable by its owner alone. Raises UsageError."""
    if file is None:
        yield None
        return
    from leadline_verify.private_file import open_private

    with open_private(file, option) as stream:
        yield stream
