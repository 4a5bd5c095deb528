"""The console with 10,000 links: a page, an update on a screen, and what the process holds.

``leadline console`` runs as a process of its own over a broker in memory. A page is asked for over HTTP, one request
after the other; an update is timed in a real Chromium, from before the records of a broken link and its alert are
written until the page shows the link.
"""

import argparse
import asyncio
import json
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError

from aiokafka import AIOKafkaProducer
from playwright.async_api import async_playwright

from leadline.clock import Clock, SystemClock
from leadline.kafka import producer_options
from leadline.model.ids import ClusterName, LinkId, NodeName, link_id
from leadline.model.status import LinkStatus, NodeStatus, Status
from leadline.settings.common import KafkaSettings
from leadline.wire import outgoing
from leadline_lab.pipeline import Pipeline
from leadline_lab.sandbox.port import HOST, Port

CLUSTERS, STANDBYS = 1000, 10
CHROMIUM = "/usr/bin/chromium"
PATIENCE_S = 120.0


def link(cluster: int, standby: int, **changed: Any) -> LinkStatus:
    """A healthy link."""
    name, up, down = f"cluster-{cluster:04}", "pg-01", f"pg-{standby + 2:02}"
    fields: dict[str, Any] = {"verdict": "healthy", "lag_s": 0.2, "behind": 4096, "link_kind": "physical"}
    now = datetime.now(UTC)
    return LinkStatus(
        cluster=ClusterName(name), datacenter="fra1", link=LinkId(link_id(name, up, down)), upstream=NodeName(up),
        downstream=NodeName(down), since=now, connected=True, observers=[NodeName(up)], at=now, **(fields | changed),
    )  # fmt: skip


def fleet() -> list[Status]:
    """The status of every node and link."""
    now = datetime.now(UTC)
    nodes = [
        NodeStatus(
            cluster=ClusterName(f"cluster-{cluster:04}"), datacenter="fra1", node=NodeName(f"pg-{number + 1:02}"),
            engine="postgresql", version="18.6", role="standby" if number else "primary", health="up",
            since=now, at=now,
        )
        for cluster in range(CLUSTERS)
        for number in range(STANDBYS + 1)
    ]  # fmt: skip
    return [*nodes, *(link(cluster, standby) for cluster in range(CLUSTERS) for standby in range(STANDBYS))]


def percentile(values: list[float], part: float) -> float:
    """The value below which this part of them is."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def write(producer: AIOKafkaProducer, kafka: KafkaSettings, *values: Status) -> None:
    """Write values and wait until they are acknowledged."""
    for value in values:
        record = outgoing(value, kafka.topic_prefix)
        await producer.send(record.topic, record.value, record.key, headers=record.headers)
    await producer.flush()


def fetch(url: str) -> int:
    """The length of what an address has; 0 while it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return len(answer.read())
    except (URLError, OSError):
        return 0


async def pages(url: str, times: int, clock: Clock) -> list[float]:
    """Milliseconds of each request of the first page."""
    taken = []
    for number in range(times):
        began = clock.monotonic()
        assert await asyncio.to_thread(fetch, f"{url}/?page={number % 20 + 1}")
        taken.append(1000 * (clock.monotonic() - began))
    return taken


async def updates(url: str, times: int, producer: AIOKafkaProducer, kafka: KafkaSettings, clock: Clock) -> list[float]:
    """Milliseconds from before the write until an open page shows the link."""
    taken = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(url)
        for number in range(times):
            broken = link(number, 3, verdict="broken")
            began = clock.monotonic()
            await write(producer, kafka, broken)
            row = page.locator("#live_links tr", has_text=broken.cluster).filter(has_text="broken")
            await row.wait_for()
            taken.append(1000 * (clock.monotonic() - began))
            await write(producer, kafka, link(number, 3))
            await row.wait_for(state="detached")
        await browser.close()
    return taken


async def measure(times: int) -> dict[str, float]:
    """Run everything."""
    clock = SystemClock()
    with Port() as port, Pipeline() as pipeline:
        url = f"http://{HOST}:{port.number}"
        producer = AIOKafkaProducer(**producer_options(pipeline.kafka, "bench"))
        await producer.start()
        await write(producer, pipeline.kafka, *fleet())
        began = clock.monotonic()
        pipeline.start("console", {"web": {"port": port.number}, "log": {"level": "warning"}})
        while not await asyncio.to_thread(fetch, f"{url}/healthz"):
            pipeline.check()
            assert clock.monotonic() - began < PATIENCE_S, "the console has not read the topics"
            await clock.sleep(0.1)
        ready = clock.monotonic() - began
        size = await asyncio.to_thread(fetch, url)
        page_ms = await pages(url, times, clock)
        update_ms = await updates(url, times, producer, pipeline.kafka, clock)
        await producer.stop()
    return {
        "console_ready_s": ready,
        "console_page_bytes": float(size),
        "console_page_p50_ms": percentile(page_ms, 0.5),
        "console_page_p95_ms": percentile(page_ms, 0.95),
        "console_update_p50_ms": percentile(update_ms, 0.5),
        "console_update_p95_ms": percentile(update_ms, 0.95),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100, help="requests, and updates (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    options = parser.parse_args()
    numbers = asyncio.run(measure(options.times))
    for name, value in numbers.items():
        print(f"{name:28} {value:12,.1f}")
    if options.json:
        options.json.write_text(json.dumps(numbers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
