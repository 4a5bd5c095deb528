"""The agent's footprint beside Debian's prometheus-postgres-exporter, which reads one primary once a second.

The primary is a sandbox server with a standby, a subscriber and a light pgbench load. The agent is the real
process and publishes to a broker in memory; the exporter is scraped over one HTTP connection, compressed, as Prometheus
asks. They run in turn, each with a database role of its own. Their start is not counted. An agent of many servers reads
the same primary as often as it has servers; what it costs is divided by their number.
"""

import argparse
import asyncio
import gzip
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from bench.footprint import cpu_s, memory
from bench.page import FOOTPRINT, PROCESSES
from leadline.clock import SystemClock
from leadline.errors import UnreachableError
from leadline.model.observation import Sample
from leadline.model.pg_vitals import PostgresqlVitals
from leadline.settings.agent import Wire
from leadline.wire import OBSERVATIONS
from leadline_lab.sandbox import guard
from leadline_lab.sandbox.binaries import wheel_binaries
from leadline_lab.sandbox.broker import EmbeddedBroker
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.port import HOST, Port
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import spawn
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import pgbench

PROGRAM = "prometheus-postgres-exporter"
REDUCED = ("--disable-settings-metrics", "--no-collector.database", "--no-collector.bgwriter")
EXPORTER = "exporter"
"""The exporter's database role and its password: a member of pg_monitor, as the agent's role is."""
ITEMS = "CREATE TABLE items (id int PRIMARY KEY, note text)"
TRANSACTIONS_PER_S = 20.0
SAMPLES = "leadline.samples"
WARM_S = 20
"""Until vitals are read, too."""
SETUP_S = 20.0
MANY = 20

Look = Sample | PostgresqlVitals


@dataclass(frozen=True)
class Running:
    """A process that reads the primary."""

    pid: int
    role: str
    look: Callable[[], None] = lambda: None
    """Called each second, for a process that reads only when it is scraped."""
    looks: Callable[[], list[Look]] = list
    """All that it has published so far."""
    servers: int = 1


Variant = Callable[[Server], AbstractContextManager[Running]]
"""One way to monitor a primary."""


def agent(wire: Wire, servers: int = 1, env: Mapping[str, str] | None = None) -> Variant:
    """An agent as its unit of systemd starts it, with its defaults but for the wire; ``env``: of its process."""

    @contextmanager
    def run(primary: Server) -> Iterator[Running]:
        with EmbeddedBroker() as broker, tempfile.TemporaryDirectory(prefix="leadline-") as folder:
            broker.create_topic(SAMPLES, 1)
            file = Path(folder, "agent.yaml")
            dsn = primary.dsn(user=AGENT)
            settings = {
                "instances": [{"dsn": dsn, "name": f"pg-{n}", "cluster": f"orders-{n}"} for n in range(servers)],
                "kafka": {"bootstrap": broker.bootstrap},
                "spool": {"path": f"{folder}/spool.sqlite3"},
                "wire": wire,
            }
            file.write_bytes(orjson.dumps(settings))  # JSON is YAML
            with process(sys.executable, "-m", "leadline_agents", "-c", file, env=env) as pid:
                eventually("the agent publishes", lambda: bool(published(broker)), SETUP_S)
                yield Running(pid, AGENT, looks=lambda: published(broker), servers=servers)

    return run


def published(broker: EmbeddedBroker) -> list[Look]:
    """Every look in the broker."""
    options = {"bootstrap.servers": broker.bootstrap, "group.id": "bench", "enable.partition.eof": True}
    with closing(Consumer(options)) as consumer:
        consumer.assign([TopicPartition(SAMPLES, 0, OFFSET_BEGINNING)])
        found = []
        while (message := consumer.poll(SETUP_S)) and not message.error():  # the end is an error
            found.append(OBSERVATIONS.decode(message.value()))
    return [look for look in found if isinstance(look, Sample | PostgresqlVitals)]


def exporter(*flags: str) -> Variant:
    """The exporter with these flags."""

    @contextmanager
    def run(primary: Server) -> Iterator[Running]:
        source = f"postgresql://{EXPORTER}:{EXPORTER}@{HOST}:{primary.port}/postgres?sslmode=disable"
        with Port() as port, closing(HTTPConnection(HOST, port.number)) as connection:
            address = f"--web.listen-address={HOST}:{port.number}"
            with process(shutil.which(PROGRAM) or PROGRAM, address, *flags, env={"DATA_SOURCE_NAME": source}) as pid:
                eventually("the exporter answers", lambda: answers(connection), SETUP_S)
                yield Running(pid, EXPORTER, lambda: scrape(connection))

    return run


def answers(connection: HTTPConnection) -> bool:
    """Whether anything listens."""
    try:
        scrape(connection)
    except ConnectionRefusedError:
        connection.close()
        return False
    return True


def scrape(connection: HTTPConnection) -> None:
    """Scrape as Prometheus does. Raises UnreachableError when the exporter did not reach the database."""
    connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    if b"\npg_up 1\n" not in gzip.decompress(answer.read()):
        raise UnreachableError(f"the exporter does not reach the database: HTTP status {answer.status}")


@contextmanager
def process(*command: str | Path, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a program; its pid."""
    with tempfile.TemporaryDirectory(prefix="leadline-") as folder, Path(folder, "log").open("w+b") as log:
        found = spawn(*command, cwd=Path(folder), env=env or {}, output=log, owner=None, farewell=signal.SIGTERM)
        assert found.stdin is not None
        try:
            eventually(f"{command[0]} runs", lambda: bool(guard.descendants(found.pid)))
            yield guard.descendants(found.pid)[0]
        except UnreachableError:
            log.seek(0)
            print(log.read().decode()[-2000:], file=sys.stderr)
            raise
        finally:
            found.stdin.close()
            found.wait()


VARIANTS: Mapping[str, Variant] = {
    "agent": agent("whole"),
    "agent_vitals": agent("vitals"),
    "agent_small": agent("vitals", env={"PSYCOPG_IMPL": "python"}),
    "agent_many": agent("vitals", MANY),
    "exporter": exporter(),
    "exporter_reduced": exporter(*REDUCED),
}


async def measure(name: str, primary: Server, seconds: int) -> dict[str, float]:
    """One phase: the counters after it less those before it."""
    clock = SystemClock()

    async def each_second(times: int, look: Callable[[], None]) -> None:
        due = clock.monotonic()
        for _ in range(times):
            look()
            due += 1
            await clock.sleep(due - clock.monotonic())

    with VARIANTS[name](primary) as running:
        await each_second(WARM_S, running.look)
        since, cpu, backends = clock.now(), cpu_s(running.pid), backends_cpu_s(primary, running.role)
        await each_second(seconds, running.look)
        cpu_after, backends_after = cpu_s(running.pid), backends_cpu_s(primary, running.role)
        if not backends or backends_after.keys() != backends.keys():
            raise UnreachableError(f"{name}: it connected anew, and what that cost is not known; run it again")
        held, of_database = memory(running.pid), (after - backends[pid] for pid, after in backends_after.items())
        numbers = {
            **held._asdict(),
            "cpu_s_per_100": (cpu_after - cpu) / seconds * 100,
            "db_cpu_s_per_100": sum(of_database) / seconds * 100,
        }
        numbers = {name: number / running.servers for name, number in numbers.items()}
        if looks := [look for look in running.looks() if look.sent_at >= since]:
            assert len(looks) >= (seconds - 1) * running.servers, f"{len(looks)} looks in {seconds} s"
            assert all(look.up and not look.not_permitted for look in looks if isinstance(look, Sample))
            numbers["db_ms_per_sample"] = median(look.cost.statement_ms for look in looks if look.cost)
    return numbers


def backends_cpu_s(primary: Server, role: str) -> dict[int, float]:
    """Processor time of every backend that serves this role."""
    pids = primary.query("SELECT pid FROM pg_stat_activity WHERE usename = %s", [role])
    return {pid: cpu_s(pid) for (pid,) in pids}


@contextmanager
def watched_primary() -> Iterator[Server]:
    """A primary with a standby, a subscriber and a light load."""
    with Fleet() as fleet:
        primary = fleet.primary("pg-1")
        primary.query(f"CREATE ROLE {EXPORTER} LOGIN PASSWORD '{EXPORTER}' IN ROLE pg_monitor")
        primary.query("CREATE DATABASE app")
        primary.query(ITEMS, dbname="app")
        fleet.standby("pg-2", primary)
        fleet.subscriber("pg-3", primary, schema=ITEMS)
        fleet.wait_caught_up()
        with pgbench(primary, rate=TRANSACTIONS_PER_S):
            yield primary


def run(repetitions: int, seconds: int, names: list[str]) -> dict[str, list[dict[str, float]]]:
    """The numbers of each phase, by variant. The order of the variants rotates from one repetition to the next."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with watched_primary() as primary:
        for repetition in range(repetitions):
            turn = repetition % len(names)
            for name in names[turn:] + names[:turn]:
                found[name].append(asyncio.run(measure(name, primary, seconds)))
                line = " ".join(f"{key}={value:.3f}" for key, value in found[name][-1].items())
                print(f"  {repetition + 1}/{repetitions} {name:<16} {line}", file=sys.stderr)
    return found


def summary(found: Mapping[str, list[dict[str, float]]]) -> dict[str, float]:
    """Medians as ``variant_number``, and each agent's to each exporter's as medians of each repetition's ratio."""
    numbers = {
        f"{name}_{key}": median(phase[key] for phase in phases) for name, phases in found.items() for key in phases[0]
    }
    agents = [name for name in found if name.startswith("agent")]
    for agent_name, name in ((one, other) for one in agents for other in found if other not in agents):
        for key in ("rss", "cpu", "db_cpu"):
            column = f"{key}_mb" if key == "rss" else f"{key}_s_per_100"
            ratios = [own[column] / other[column] for own, other in zip(found[agent_name], found[name], strict=True)]
            numbers[f"{agent_name}_{key}_to_{name}_ratio"] = median(ratios)
    return numbers


def versions(names: list[str]) -> dict[str, str]:
    """The versions of the server and of the exporter."""
    major, _ = wheel_binaries() or (None, None)
    found = {"postgres": f"PostgreSQL {major}"}
    if "exporter" in names:
        shown = subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, text=True)
        found["exporter"] = f"{PROGRAM} {(shown.stdout + shown.stderr).split('version ')[1].split()[0]}"
    return found


def table(numbers: Mapping[str, float], names: list[str]) -> Iterator[str]:
    """The lines of a table for people."""
    yield f"{'':<30}" + "".join(f"{title:>32}" for title in FOOTPRINT.values())
    for name in names:
        yield f"{PROCESSES[name]:<30}" + "".join(f"{numbers[f'{name}_{key}']:>32.3f}" for key in FOOTPRINT)
    agents = [name for name in names if name.startswith("agent")]
    for own, name in ((one, other) for one in agents for other in names if other not in agents):
        ratios = (f"{key} {numbers[f'{own}_{key}_to_{name}_ratio']:.2f}" for key in ("rss", "cpu", "db_cpu"))
        yield f"{PROCESSES[own]} to {PROCESSES[name]}: {', '.join(ratios)}"
    if "agent" in names:
        yield f"a look of the agent takes {numbers['agent_db_ms_per_sample']:.2f} ms, network and waiting included"


def main() -> None:
    """Measure, print a table, and write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument(
        "--seconds", type=int, default=60, help="of one phase; the agent reads the WAL directory once a minute"
    )
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--json", type=Path, help="write the numbers here")
    options = parser.parse_args()
    names = list(options.only)
    if shutil.which(PROGRAM) is None:
        print(
            f"NO COMPARISON: {PROGRAM} is not installed, the agent is measured alone;"
            f" on Debian: apt-get install {PROGRAM}, then stop the service that it starts",
            file=sys.stderr,
        )
        names = [name for name in names if name.startswith("agent")]
    numbers = summary(run(options.repetitions, options.seconds, names))
    print(*table(numbers, names), sep="\n")
    if options.json:
        options.json.write_text(json.dumps(numbers | versions(names), indent=2) + "\n")


if __name__ == "__main__":
    main()
