"""Time to page beside the usual tools: Debian's Prometheus, exporter and Alertmanager, on the same servers.

A primary, a standby behind a proxy, both watched by both at once, each with its defaults and each notifying a local
stand-in for Slack of its own. Prometheus has the rules that its users copy (awesome-prometheus-alerts: lag above 5 s
for 30 s, a server down for 1 min, an inactive slot for 10 min), over the query for lag that the exporter's package
ships. Each fault finds both started anew."""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import psycopg

from bench.agent import EXPORTER, PROGRAM, process
from leadline.clock import SystemClock
from leadline.errors import UnreachableError
from leadline_lab.pipeline import Pipeline
from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.port import HOST, Port
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.proxy import Proxy
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import pgbench

PROMETHEUS, ALERTMANAGER = "prometheus", "prometheus-alertmanager"
QUERIES = Path("/usr/share/doc/prometheus-postgres-exporter/examples/queries.yaml")
TRANSACTIONS_PER_S = 20.0
LIMIT_S = 300.0
"""Time limit in seconds: without a page by then, there is none."""
IDLE_S = 240.0
SETTLE_S = 60.0
"""Four scrapes, so that a rule that compares with earlier ones has them."""

# samber/awesome-prometheus-alerts, PostgreSQL; the metric as the exporter of Debian 12 names it.
RULES = """
groups:
  - name: postgresql
    rules:
      - alert: PostgresqlReplicationLag
        expr: pg_replication_lag > 5
        for: 30s
      - alert: PostgresqlDown
        expr: pg_up == 0
        for: 1m
      - alert: PostgresqlUnusedReplicationSlot
        expr: pg_replication_slots_active == 0
        for: 10m
"""
CONFIG = """
global: {{scrape_interval: 15s, evaluation_interval: 15s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]}}
scrape_configs:
  - job_name: postgresql
    {targets}
"""
NOTIFY = """
route: {{receiver: slack}}
receivers:
  - name: slack
    slack_configs: [{{api_url: "{url}", channel: "#dba", send_resolved: true}}]
"""


@dataclass(frozen=True)
class Watcher:
    """One of the two, and how many alarms it has raised."""

    name: str
    alarms: Callable[[], int]


@contextmanager
def prometheus(servers: Sequence[Server]) -> Iterator[Watcher]:
    """An exporter for each server, Prometheus and Alertmanager as Debian has them."""
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="leadline-")))
        ports = [stack.enter_context(Port()).number for _ in range(len(servers) + 3)]
        *exporters, web, alerts, gossip = ports
        for server, port in zip(servers, exporters, strict=True):
            source = f"postgresql://{EXPORTER}:{EXPORTER}@{HOST}:{server.port}/postgres?sslmode=disable"
            flags = (f"--web.listen-address={HOST}:{port}", f"--extend.query-path={QUERIES}")
            stack.enter_context(process(shutil.which(PROGRAM) or PROGRAM, *flags, env={"DATA_SOURCE_NAME": source}))
        (folder / "rules.yml").write_text(RULES)
        targets = ", ".join(f'"{HOST}:{port}"' for port in exporters)
        (folder / "prometheus.yml").write_text(
            CONFIG.format(alertmanager=f"{HOST}:{alerts}", targets=f"static_configs: [{{targets: [{targets}]}}]")
        )
        (folder / "alertmanager.yml").write_text(NOTIFY.format(url=f"{receiver.url}/services/T0/B0/x"))
        stack.enter_context(
            process(
                shutil.which(ALERTMANAGER) or ALERTMANAGER,
                f"--config.file={folder}/alertmanager.yml",
                f"--storage.path={folder}/alerts",
                f"--web.listen-address={HOST}:{alerts}",
                f"--cluster.listen-address={HOST}:{gossip}",
            )
        )
        stack.enter_context(
            process(
                shutil.which(PROMETHEUS) or PROMETHEUS,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address={HOST}:{web}",
            )
        )
        eventually("Prometheus scrapes", lambda: scraped(web, len(servers)), 60.0)
        yield Watcher("prometheus", lambda: _alarms(receiver))


def scraped(port: int, servers: int) -> bool:
    """Whether Prometheus has found so many servers up."""
    try:
        with urlopen(f"http://{HOST}:{port}/api/v1/query?query=pg_up") as answer:
            found = json.load(answer)["data"]["result"]
    except OSError:
        return False
    return bool(sum(sample["value"][1] == "1" for sample in found) == servers)


@contextmanager
def leadline(servers: Sequence[Server], aliases: Sequence[str]) -> Iterator[Watcher]:
    """Agent, judgement and the Slack sink with their defaults."""
    with Receiver() as receiver, Pipeline() as pipeline:
        instances = [
            {"dsn": server.dsn(user=AGENT), "name": server.name, "cluster": "orders", "aliases": list(also)}
            for server, also in zip(servers, (aliases, ()), strict=True)
        ]
        pipeline.start("agent", {"instances": instances, "spool": {"path": str(pipeline.file("spool.sqlite3"))}})
        pipeline.start("stream", {})
        slack = {"token": "xoxb-local-receiver", "channel": "#dba", "api_url": f"{receiver.url}/api"}
        pipeline.start("sink", {"slack": slack}, "slack")
        yield Watcher("leadline", lambda: _alarms(receiver))


def _alarms(receiver: Receiver) -> int:
    return sum("RESOLVED" not in str(event.payload) for event in receiver.events if event.kind == "post")


def time_to_page(watchers: Sequence[Watcher], limit_s: float) -> dict[str, float | None]:
    """Seconds from now to each one's next alarm; None for one that raises none within the limit."""
    clock = SystemClock()
    before = {watcher.name: watcher.alarms() for watcher in watchers}
    began = clock.monotonic()
    found: dict[str, float | None] = dict.fromkeys(before)

    def all_have_paged() -> bool:
        for watcher in watchers:
            if found[watcher.name] is None and watcher.alarms() > before[watcher.name]:
                found[watcher.name] = round(clock.monotonic() - began, 1)
        return None not in found.values()

    with suppress(UnreachableError):
        eventually("both page", all_have_paged, limit_s)
    return found


@dataclass(frozen=True)
class Servers:
    """The servers that both monitor: pg-2 follows pg-1 through the proxy."""

    fleet: Fleet
    primary: Server
    standby: Server
    proxy: Proxy


def pause(servers: Servers) -> None:
    """Replay is paused."""
    servers.standby.query("SELECT pg_wal_replay_pause()")


def resume(servers: Servers) -> None:
    """Replay is resumed; queries on the standby may be cancelled."""
    with suppress(psycopg.errors.SerializationFailure):
        servers.standby.query("SELECT pg_wal_replay_resume()")
    _let_pass(10.0)


@dataclass(frozen=True)
class Fault:
    """A fault: how it is injected and healed, whether the application writes meanwhile, the time limit for a page."""

    breaking: Callable[[Servers], None]
    healing: Callable[[Servers], None]
    busy: bool = True
    limit_s: float = LIMIT_S


def phase(servers: Servers, fault: Fault) -> dict[str, float | None]:
    """Seconds from the break to the first alarm of each, both started anew and settled while the application writes."""
    both = (servers.primary, servers.standby)
    with ExitStack() as stack:
        writing = stack.enter_context(ExitStack())
        writing.enter_context(pgbench(servers.primary, rate=TRANSACTIONS_PER_S))
        watchers = [
            stack.enter_context(prometheus(both)),
            stack.enter_context(leadline(both, [f"{HOST}:{servers.proxy.port}"])),
        ]
        _let_pass(SETTLE_S)
        if not fault.busy:
            writing.close()
        fault.breaking(servers)
        found = time_to_page(watchers, fault.limit_s)
    fault.healing(servers)
    return found


def compare() -> dict[str, float | None]:
    """Flat numbers, by fault and watcher; None where no page was sent."""
    with Fleet() as fleet:
        primary = fleet.primary("pg-1")
        primary.query(f"CREATE ROLE {EXPORTER} LOGIN PASSWORD '{EXPORTER}' IN ROLE pg_monitor")
        proxy = fleet.proxy(primary)
        servers = Servers(fleet, primary, fleet.standby("pg-2", primary, through=proxy), proxy)
        fleet.wait_caught_up()
        numbers: dict[str, float | None] = {}
        for name, fault in FAULTS.items():
            for watcher, seconds in phase(servers, fault).items():
                numbers[f"{name}_{watcher}_page_s"] = seconds
                print(f"  {name:<7} {watcher:<11} {'-' if seconds is None else f'{seconds:.1f} s'}", file=sys.stderr)
            fleet.wait_caught_up()
    return numbers


FAULTS = {
    "paused": Fault(pause, resume),
    "cut": Fault(lambda servers: servers.proxy.cut(), lambda servers: servers.proxy.heal()),
    "idle": Fault(lambda servers: None, lambda servers: None, busy=False, limit_s=IDLE_S),
}


def _let_pass(seconds: float) -> None:
    with suppress(UnreachableError):
        eventually("nothing", lambda: False, seconds)


def main() -> None:
    """Compare, and write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    options = parser.parse_args()
    absent = [name for name in (PROGRAM, PROMETHEUS, ALERTMANAGER) if shutil.which(name) is None]
    if absent:
        print(f"NO COMPARISON: {', '.join(absent)} not installed; apt-get install them", file=sys.stderr)
    numbers = {} if absent else compare()
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
