"""An audit of a pair of servers as a command, and of 500 recorded nodes in this process.

The recorded nodes are copies of the pair in ``tests/fixtures/audit``, as 250 clusters.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import msgspec
from msgspec.structs import replace

from leadline.advisories.loading import shipped
from leadline.clock import SystemClock
from leadline.model.audit_look import AuditLook
from leadline.model.observation import Sample
from leadline.model.status import LinkStatus
from leadline_lab.faults.topologies import make_pair
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_streams.audit.auditing import audited, fleets
from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
from leadline_streams.audit.engines.postgresql.patch_level import patch_rules
from leadline_streams.engines.postgresql.flavours import worded

RECORDED = Path(__file__).parents[1] / "tests" / "fixtures" / "audit" / "pair-18.json"
PAIRS = 250
TIMES = 5


class Recording(msgspec.Struct):
    """Samples, looks and links of one pair."""

    samples: list[Sample]
    looks: list[AuditLook]
    links: list[LinkStatus]


def many() -> float:
    """Seconds to judge 500 nodes."""
    pair = msgspec.json.decode(RECORDED.read_bytes(), type=Recording)
    samples, looks, links = [], [], []
    for number in range(PAIRS):
        name = f"cluster-{number}"
        samples += [replace(each, node=replace(each.node, cluster=name)) for each in pair.samples]
        looks += [replace(each, cluster=name) for each in pair.looks]
        links += [replace(each, cluster=name, link=f"{name}/{each.upstream}->{each.downstream}") for each in pair.links]
    at = pair.samples[0].sent_at
    rules = [*AUDIT_RULES.values(), *patch_rules(shipped(), at.date())]
    clock = SystemClock()
    start = clock.monotonic()
    report = audited(fleets(samples, looks, links), rules, worded, at)
    taken = clock.monotonic() - start
    assert len(report.nodes) == 2 * PAIRS
    return taken


def one_pair() -> float:
    """Seconds that the command takes for two servers, the start of Python included."""
    clock = SystemClock()
    with Fleet() as fleet:
        make_pair(fleet)
        fleet.wait_caught_up()
        given = [f"{server.name}={server.dsn(user=AGENT)}" for server in fleet.servers.values()]
        command = [sys.executable, "-m", "leadline_cli", "audit", *given, "--fail-on", "never"]
        taken = []
        for _ in range(TIMES):
            start = clock.monotonic()
            subprocess.run(command, check=True, capture_output=True)
            taken.append(clock.monotonic() - start)
    return median(taken)


def main() -> None:
    """Measure both, print them, write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    given = parser.parse_args()
    numbers = {"audit_pair_s": one_pair(), "audit_500_s": min(many() for _ in range(TIMES))}
    for name, value in numbers.items():
        print(f"{name:<14} {value:6.2f}")
    if given.json:
        given.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
