"""The cost of judging a fleet: Leadline's stream processor beside Debian's Prometheus, for the same number of servers.

Prometheus scrapes each server every 15 s, as is usual, and evaluates the rules that its users copy (``bench.compare``).
The pages are those of the real exporter on a real primary and a real standby. Leadline judges a look at each server
every second, sent as vitals. They run in turn; exporters, agents and broker are not counted. The minute of Leadline is
also a measure of a month: what the processor takes, and what agents and processor write to each topic.
"""

import argparse
import gzip
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

from confluent_kafka import Producer

from bench.agent import EXPORTER, PROGRAM, process
from bench.compare import CONFIG, PROMETHEUS, QUERIES, RULES, scraped
from bench.fleet import STANDBYS, fleet
from bench.footprint import cpu_s, memory
from bench.forms import Forms
from bench.written import alone_bytes
from leadline.clock import SystemClock
from leadline.settings.common import KafkaSettings
from leadline.topic_specs import TOPICS
from leadline.topics import PARTITIONS
from leadline.wire import OBSERVATIONS
from leadline_lab.sandbox.broker import EmbeddedBroker
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.port import HOST, Port
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_streams.runtime.app import OUTPUTS
from leadline_streams.runtime.saving import STATES

LINKS = 1000
CLUSTERS = LINKS // len(STANDBYS)
NODES = CLUSTERS * (1 + len(STANDBYS))
WARM_S, SECONDS = 45, 60
"""A state is saved each 10 s, and a roll-up of each link is sent each 10 s and each 60 s."""
MONTH_S = 30 * 86_400
SETUP_S = 180.0


def page_of(server: Server) -> bytes:
    """The exporter's page of a server, compressed."""
    source = f"postgresql://{EXPORTER}:{EXPORTER}@{HOST}:{server.port}/postgres?sslmode=disable"
    with Port() as port:
        flags = (f"--web.listen-address={HOST}:{port.number}", f"--extend.query-path={QUERIES}")
        with process(shutil.which(PROGRAM) or PROGRAM, *flags, env={"DATA_SOURCE_NAME": source}):
            found: list[bytes] = []

            def answers() -> bool:
                try:
                    with urlopen(f"http://{HOST}:{port.number}/metrics") as answer:
                        found.append(answer.read())
                except OSError:
                    return False
                return b"\npg_up 1\n" in found[-1]

            eventually("the exporter answers", answers, SETUP_S)
    return gzip.compress(found[-1])


def pages() -> dict[str, bytes]:
    """The pages of a primary and of its standby."""
    with Fleet() as servers:
        primary = servers.primary("pg-1")
        primary.query(f"CREATE ROLE {EXPORTER} LOGIN PASSWORD '{EXPORTER}' IN ROLE pg_monitor")
        standby = servers.standby("pg-2", primary)
        servers.wait_caught_up()
        return {"primary": page_of(primary), "standby": page_of(standby)}


@contextmanager
def served(found: dict[str, bytes]) -> Iterator[int]:
    """A web server that has them at ``/primary`` and ``/standby``; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page = found[self.path.strip("/")]
            self.send_response(200)
            for name, value in {"Content-Type": "text/plain; version=0.0.4", "Content-Encoding": "gzip"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def prometheus(found: dict[str, bytes]) -> Iterator[int]:
    """Prometheus with so many servers; its pid."""
    with ExitStack() as stack:
        port = stack.enter_context(served(found))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadline-")))
        web = stack.enter_context(Port()).number
        targets = [
            {
                "targets": [f"{HOST}:{port}"],
                "labels": {"instance": f"node-{node}", "__metrics_path__": "/standby" if node % 3 else "/primary"},
            }
            for node in range(NODES)
        ]
        (folder / "targets.json").write_text(json.dumps(targets))
        (folder / "rules.yml").write_text(RULES)
        files = f"file_sd_configs: [{{files: [{folder}/targets.json]}}]"
        (folder / "prometheus.yml").write_text(CONFIG.format(alertmanager=f"{HOST}:1", targets=files))
        pid = stack.enter_context(
            process(
                shutil.which(PROMETHEUS) or PROMETHEUS,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address={HOST}:{web}",
            )
        )
        eventually("Prometheus scrapes", lambda: scraped(web, NODES), SETUP_S)
        yield pid


@contextmanager
def leadline(written: Path) -> Iterator[int]:
    """``leadline stream`` that gets a look at each of so many servers every second; its pid.

    ``written``: where it keeps the bytes that it has written to each topic.
    """
    kafka, ended = KafkaSettings(), Event()
    with EmbeddedBroker() as broker:
        for topic in TOPICS:
            broker.create_topic(kafka.topic_prefix + topic, PARTITIONS)
        command = (sys.executable, "-m", "bench.latency", "--alone", "stream", "--bootstrap", broker.bootstrap)
        options = ("--prefix", kafka.topic_prefix, "--wait-ms", "100", "--written", written)
        with process(*command, *options) as pid:
            publishing = Thread(target=publish, args=(broker.bootstrap, kafka.topic_prefix, ended))
            publishing.start()
            try:
                yield pid
            finally:
                ended.set()
                publishing.join()


def publish(bootstrap: str, prefix: str, ended: Event) -> None:
    """Send the looks of a healthy fleet as vitals, spread over each second, until ``ended``."""
    producer, clock, forms = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5}), SystemClock(), Forms(prefix)
    start = clock.monotonic()
    for number, sample in enumerate(fleet(CLUSTERS, 10**6, start=clock.now().timestamp())):
        record = forms.of(sample)
        producer.produce(record.topic, record.value, record.key, headers=list(record.headers))
        producer.poll(0)
        ahead_s = start + number / NODES - clock.monotonic()
        if ended.wait(ahead_s) if ahead_s > 0 else ended.is_set():
            break
    producer.flush()


def looks_bytes(seconds: int = 300) -> float:
    """Bytes of a look in the topic of samples, in the mean: agents send each as a batch of its own."""
    forms, samples = Forms(""), list(fleet(1, seconds))
    return sum(alone_bytes(forms.of(sample)) for sample in samples) / len(samples)


def spent(pid: int, written: Path) -> tuple[float, float, Counter[str]]:
    """CPU seconds of a process in a minute, its resident MiB after it, and the bytes that it wrote to each topic."""
    Event().wait(WARM_S)
    before_s, before = cpu_s(pid), counts(written)
    Event().wait(SECONDS)
    return (cpu_s(pid) - before_s) * 60 / SECONDS, memory(pid).rss_mb, counts(written) - before


def counts(written: Path) -> Counter[str]:
    """The counts that a process keeps of its written bytes; none before the first."""
    return Counter(json.loads(written.read_text())) if written.exists() else Counter()


def month(cpu_s_per_min: float, written: Counter[str]) -> dict[str, float]:
    """A month at the cost of the minute: CPU hours, and GB that are written to each topic."""
    prefix, gb = KafkaSettings().topic_prefix, MONTH_S / SECONDS / 1e9
    found = {f"month_{topic}_gb": written[prefix + topic] * gb for topic in (*OUTPUTS, STATES, OBSERVATIONS.name)}
    found[f"month_{OBSERVATIONS.name}_gb"] += NODES * MONTH_S * looks_bytes() / 1e9  # agents' beside the ticks
    return found | {"month_all_gb": sum(found.values()), "month_cpu_hours": cpu_s_per_min * MONTH_S / 60 / 3600}


def main() -> None:
    """Measure both, print them, and write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    options = parser.parse_args()
    found: dict[str, bytes] = {}
    if absent := [name for name in (PROGRAM, PROMETHEUS) if shutil.which(name) is None]:
        print(f"NO COMPARISON: {', '.join(absent)} not installed; apt-get install them", file=sys.stderr)
    else:
        found = pages()
    numbers: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="leadline-") as folder:
        written = Path(folder, "written.json")
        watchers: dict[str, AbstractContextManager[int]] = {"leadline": leadline(written)}
        if found:
            watchers["prometheus"] = prometheus(found)
        for name, watcher in watchers.items():
            with watcher as pid:
                cpu, rss_mb, topics = spent(pid, written)
            numbers |= {f"fleet_{name}_cpu_s_per_min": cpu, f"fleet_{name}_rss_mb": rss_mb}
            print(f"{name:<11}{cpu:>8.2f} CPU s in a minute{rss_mb:>8.0f} MiB")
            if name == "leadline":
                numbers |= month(cpu, topics)
    for key, number in numbers.items():
        if key.startswith("month_"):
            print(f"{key:<24}{number:>10.2f}")
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
