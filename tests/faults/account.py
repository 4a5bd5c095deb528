"""Observations and judgements in the topics, compared with those that agents made and one uninterrupted fold gives."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.model.observation import NodeSettings, Sample
from leadline.model.vitals import Vitals
from leadline.recording import Recorded
from leadline.wire import ALERTS, CODECS, INCIDENTS, OBSERVATIONS, STATUS, encode
from leadline_streams.judge.policy import Policy
from leadline_streams.replay import Replay
from leadline_streams.runtime.snapshot import Saved
from tests.faults.notified import Notified
from tests.integration.streams.kit import Topics

Source = tuple[str, str, str]
"""Cluster, node and boot: one run of an agent for one node, which numbers its observations from 1."""
Judged = tuple[str, int]
"""A judgement that was written: an alert or an incident, and its seq."""


@dataclass(frozen=True, slots=True)
class Observations:
    """Of agents. ``repeated`` is harmless: readers tell by boot and seq."""

    observations: int
    lost: int
    disordered: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Judgements:
    """Transitions and incidents. ``judgements_repeated`` is harmless: readers tell by id and seq."""

    judgements: int
    judgements_lost: int
    judgements_different: int
    """With other contents than the fold's, or not among its outputs."""
    judgements_disordered: int
    judgements_repeated: int


@dataclass(frozen=True, slots=True)
class LastRecords:
    """The last record of each key, which is what compaction leaves."""

    keys: int
    """States, incidents, links and nodes; and alerts."""
    stale: int
    """Keys of which the last record is not the newest."""
    set_back: int
    """States that were written after a newer one of the same cluster."""


Counted = Observations | Judgements | LastRecords | Notified
HARMLESS = {
    "keys",
    *("observations", "repeated", "judgements", "judgements_repeated"),
    *("incidents", "pages", "messages_again", "lines_again", "pages_again"),
}


def wrong(*counted: Counted) -> dict[str, int]:
    """The counts that must be zero and are not."""
    found = {name: count for each in counted for name, count in asdict(each).items()}
    return {name: count for name, count in found.items() if count and name not in HARMLESS}


async def made_by(topics: Topics, looked: Sequence[Mapping[str, int]]) -> dict[Source, int]:
    """The number of observations that each run of an agent made: those that arrived, and counted samples that did not.

    ``looked``: for each run, in order, how often it had looked at each node. A look gives a sample or vitals.
    """
    arrived: dict[str, dict[Source, dict[int, bool]]] = defaultdict(lambda: defaultdict(dict))
    for records in (await topics.read("samples")).values():
        for record in records:
            if (seen := _seen(record)) is not None:
                source = _source(record, seen)
                arrived[source[1]][source][seen.seq] = not isinstance(seen, NodeSettings)
    made: dict[Source, int] = {}
    for name in looked[0]:
        assert len(arrived[name]) == len(looked), f"of {len(looked)} runs {len(arrived[name])} are in the topic"
        for (source, seqs), run in zip(arrived[name].items(), looked, strict=True):
            made[source] = max(seqs) + max(0, run[name] - sum(seqs.values()))
    return made


async def observations(topics: Topics, made: Mapping[Source, int]) -> Observations:
    """Account for every observation: ``made`` is how many each source made at least."""
    there: dict[Source, list[int]] = defaultdict(list)
    places: dict[str, set[int]] = defaultdict(set)
    for number, records in (await topics.read("samples")).items():
        for record in records:
            if (seen := _seen(record)) is not None:
                there[_source(record, seen)].append(seen.seq)
                places[_source(record, seen)[0]].add(number)
    assert there.keys() <= made.keys(), "observations that nobody made"
    lost = disordered = repeated = total = 0
    for source, least in made.items():
        once = list(dict.fromkeys(there[source]))
        count = max([least, *once])
        total += count
        lost += count - len(once)
        repeated += len(there[source]) - len(once)
        disordered += sum(later < earlier for earlier, later in pairwise(once))
    return Observations(total, lost, disordered + sum(len(numbers) - 1 for numbers in places.values()), repeated)


async def judgements(topics: Topics, judged: Mapping[int, int], policy: Policy) -> Judgements:
    """Compare the outputs for the samples below these offsets with those of one fold that sees each once."""
    expected: dict[Judged, bytes] = {}
    for number, records in (await topics.read("samples")).items():
        expected |= _fold((record for record in _once(records) if record.offset < judged[number]), policy)
    found: dict[Judged, list[bytes]] = defaultdict(list)
    disordered = 0
    for name in ("alerts", "incidents"):
        for records in (await topics.read(name)).values():
            newest: Counter[str] = Counter()
            for record in records:
                identity, seq = _judged(CODECS[name].decode(record.value))
                known = (identity, seq) in found
                disordered += not known and seq < newest[identity]
                newest[identity] = max(newest[identity], seq)
                found[identity, seq].append(record.value)
    bodies = {key: set(values) for key, values in found.items()}
    return Judgements(
        judgements=len(expected),
        judgements_lost=len(expected.keys() - found.keys()),
        judgements_different=sum(values != {expected.get(key)} for key, values in bodies.items()),
        judgements_disordered=disordered,
        judgements_repeated=sum(len(values) - 1 for values in found.values()),
    )


AGES: Mapping[str, Callable[[bytes], tuple[object, Any]]] = {
    "state": lambda value: ("", Saved.unpack(value).applied),
    "incidents": lambda value: ("", INCIDENTS.decode(value).seq),
    "status": lambda value: ("", STATUS.decode(value).at),
    "alerts": lambda value: ((alert := ALERTS.decode(value)).alert_id, alert.seq),
}
"""By topic: the part of a key that a record is about, and its age."""


async def last_records(topics: Topics) -> LastRecords:
    """Compare the last record of each key with its newest."""
    ages: dict[tuple[str, bytes, object], list[Any]] = defaultdict(list)
    for name, age in AGES.items():
        for records in (await topics.read(name)).values():
            for record in records:
                if record.value is not None:
                    about, place = age(record.value)
                    ages[name, record.key, about].append(place)
    states = [found for (name, *_), found in ages.items() if name == "state"]
    return LastRecords(
        keys=len(ages),
        stale=sum(found[-1] < max(found) for found in ages.values()),
        set_back=sum(later < earlier for found in states for earlier, later in pairwise(found)),
    )


def _fold(records: Iterable[Any], policy: Policy) -> Iterator[tuple[Judged, bytes]]:
    """The outputs of ``leadline replay``."""
    recorded = (
        Recorded(r.topic, r.partition, r.offset, r.timestamp, r.key, list(r.headers), r.value, r.timestamp_type)
        for r in records
    )
    for output in Replay(policy).run(recorded):
        if isinstance(output, Transition | Incident):
            yield _judged(output), encode(output)


def _once(records: Iterable[Any]) -> Iterator[Any]:
    """Each observation the first time it came, and all else."""
    known: set[tuple[Source, int]] = set()
    for record in records:
        seen = _seen(record)
        if seen is None or (_source(record, seen), seen.seq) not in known:
            yield record
        if seen is not None:
            known.add((_source(record, seen), seen.seq))


def _seen(record: Any) -> Sample | Vitals | NodeSettings | None:
    seen = OBSERVATIONS.decode(record.value)
    return seen if isinstance(seen, Sample | Vitals | NodeSettings) else None


def _source(record: Any, seen: Sample | Vitals | NodeSettings) -> Source:
    name, boot = (seen.node, seen.boot) if isinstance(seen, Vitals) else (seen.node.name, seen.node.boot)
    return record.key.decode(), name, boot


def _judged(value: Transition | Incident) -> Judged:
    return (value.alert_id if isinstance(value, Transition) else value.incident_id), value.seq
