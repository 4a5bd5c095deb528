"""Memory per link: of a worker whose fleet has been judged for a while, and of one that has just been restarted.

The looks are sent as agents send them by default, most as vitals; ``--whole`` counts a fleet that sends whole samples.
Counted are the states, the settings and last samples of their nodes among them, and the saved bytes that the worker
keeps of each state to return to. A process of its own counts each: Python's allocations while a fleet is judged, and
the growth of its resident memory while the same states are loaded.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, cast

import msgspec

from bench.fleet import STANDBYS, fleet, settings
from bench.footprint import memory
from bench.forms import Forms
from leadline.model.ids import ClusterName
from leadline.model.observation import NodeSettings, Sample
from leadline.wire import OBSERVATIONS, outgoing
from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.runtime.snapshot import Saved

CLUSTERS = 100
ROUNDS = 300
COPIES = 50
"""A restarted worker gets the same states so many times: its resident memory is counted in pages."""
JUDGEMENT = judgement(Policy())


def records(clusters: int, rounds: int, *, whole: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of the records of so many clusters, of so many looks at each node; vitals unless ``whole``."""
    forms = Forms("")
    seen_by_agents: Iterator[Sample | NodeSettings] = chain(settings(clusters), fleet(clusters, rounds))
    for one in seen_by_agents:
        record = forms.of(one) if isinstance(one, Sample) and not whole else outgoing(one, "")
        yield record.key or b"", record.value or b""


def states_of(read: Iterable[tuple[bytes, bytes]]) -> dict[bytes, ClusterState]:
    """The states of clusters after these records, by key."""
    states: dict[bytes, ClusterState] = {}
    for key, written in read:
        value = bytes(bytearray(written))  # as a consumer reads it: a buffer that was written takes 4 kB
        seen = cast(Any, OBSERVATIONS.decode(value))
        if key not in states:
            states[key] = ClusterState(ClusterName(key.decode()), JUDGEMENT)
        states[key].observe(seen, packed=value)
    return states


def judged(clusters: int, rounds: int) -> dict[bytes, ClusterState]:
    """The states of so many clusters after so many looks at each node."""
    return states_of(records(clusters, rounds))


def saved(states: dict[bytes, ClusterState]) -> dict[bytes, bytes]:
    """The bytes of each that are saved in Kafka, and kept by the worker."""
    return {key: Saved(0, 0, state.dump()).pack() for key, state in states.items()}


def running(into: Path, whole: bool) -> dict[str, float]:
    """Bytes a link of a worker that has judged ``ROUNDS`` samples of each node; what it saves goes to ``into``."""
    links = CLUSTERS * len(STANDBYS)
    written = list(records(CLUSTERS, ROUNDS, whole=whole))
    gc.collect()
    tracemalloc.start()
    states = states_of(written)
    gc.collect()
    of_states, _ = tracemalloc.get_traced_memory()
    kept = saved(states)
    tracemalloc.stop()
    into.write_bytes(msgspec.msgpack.encode(kept))
    blobs = sum(map(len, kept.values()))
    return {"bytes_per_link": (of_states + blobs) / links, "state_bytes_per_link": blobs / links}


def restarted(source: Path) -> dict[str, float]:
    """Bytes of resident memory a link of a worker that has loaded ``COPIES`` of the states in ``source``."""
    kept = msgspec.msgpack.decode(source.read_bytes(), type=dict[bytes, bytes])
    links = CLUSTERS * len(STANDBYS) * COPIES
    gc.collect()
    before_mb = memory(os.getpid()).rss_mb
    blobs, states = [], []
    for _ in range(COPIES):
        for blob in kept.values():
            blobs.append(bytes(bytearray(blob)))
            states.append(ClusterState.load(Saved.unpack(blobs[-1]).state, JUDGEMENT))
    gc.collect()
    after_mb = memory(os.getpid()).rss_mb
    assert sum(len(state.memory.links) for state in states) == links
    return {"rss_per_link_restarted": (after_mb - before_mb) * 2**20 / links}


def main() -> None:
    """Count both, each in a process of its own; write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--part", choices=("running", "restarted"), help="count only this, in this process")
    parser.add_argument("--whole", action="store_true", help="agents send whole samples")
    parser.add_argument("--states", type=Path, default=Path("build/bench-states"), help="where the states are kept")
    given = parser.parse_args()
    if given.part:
        print(json.dumps(running(given.states, given.whole) if given.part == "running" else restarted(given.states)))
        return
    given.states.parent.mkdir(exist_ok=True)
    numbers: dict[str, float] = {}
    for name in ("running", "restarted"):
        print(f"{name} ...", file=sys.stderr)
        command = [sys.executable, "-m", "bench.memory", "--part", name, "--states", str(given.states)]
        command += ["--whole"] if given.whole else []
        numbers |= json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    given.states.unlink()
    for name, value in numbers.items():
        print(f"{name:<24} {value:>8.0f}")
    if given.json:
        given.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
