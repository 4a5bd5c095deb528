"""The samples that measure the latency, and the summary; the measurement itself needs a broker and time."""

from collections import Counter

import pytest

from bench.latency import RULE, Passage, is_firing, summary
from bench.traffic import PROBES_PER_S, WARM_S, Planned, plan
from leadline.clock import moment
from leadline.model.alert import Transition
from leadline.model.observation import Sample
from leadline.model.vitals import Vitals, milliseconds, time_of
from leadline.wire import OBSERVATIONS, encode
from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy

NOW = 1.7e9
SECONDS = 2
RATE = 200
AT_ONCE = Policy(rules={RULE: {"for_s": 0.0, "keep_s": 0.0}})


def test_the_rate_is_kept_and_each_cluster_has_one_probe() -> None:
    """Records of a second are as many as the rate says, and what a probe causes is known by its cluster."""
    planned = plan(RATE, SECONDS, NOW)
    assert planned == sorted(planned, key=lambda record: record.due_s)
    per_s = Counter(int(record.due_s) for record in planned)
    assert all(RATE - 2 <= count <= RATE for count in per_s.values())
    probes = [record for record in planned if record.probe is not None]
    assert len({probe.key for probe in probes}) == len(probes)
    assert Counter(probe.probe for probe in probes) == {kind: n * SECONDS for kind, n in PROBES_PER_S.items()}
    assert all(WARM_S <= probe.due_s < WARM_S + SECONDS for probe in probes)


@pytest.mark.slow
def test_a_probe_fires_at_once_and_nothing_else_does() -> None:
    """Sent when they are due, in a cluster of one node the probe fires the alert; in one of three a later sample."""
    states: dict[bytes, ClusterState] = {}
    fired: dict[bytes, Planned] = {}
    probes = {}
    for record in plan(RATE, SECONDS, NOW):
        seen = OBSERVATIONS.decode(record.value_at(moment(NOW + record.due_s)))
        assert isinstance(seen, Vitals if record.is_vitals else Sample)
        assert seen.sent_at == time_of(milliseconds(moment(NOW + record.due_s)))
        if record.probe is not None:
            probes[record.key] = record
        state = states.setdefault(record.key, ClusterState(record.key.decode(), judgement(AT_ONCE)))
        for output in state.observe(seen):
            if isinstance(output, Transition) and is_firing(encode(output)):
                assert fired.setdefault(record.key, record) is record
    assert fired.keys() == probes.keys()
    for key, record in probes.items():
        waited_s = fired[key].due_s - record.due_s
        assert waited_s == 0 if record.probe == "single" else 0 < waited_s <= 1


def test_ratios_are_medians_of_each_repetition() -> None:
    """A repetition on a busy moment of the machine compares with its own relay, not with another's median."""

    def run(took_ms: float) -> dict[str, Passage]:
        passage = Passage([float(second) for second in range(9)], [took_ms] * 9)
        return {"single": passage, "ordered": passage}

    numbers = summary({"stream": [run(2), run(30), run(4)], "relay": [run(2), run(10), run(1)]}, "_5000")
    assert numbers["latency_p50_ms_5000"] == 4
    assert numbers["relay_p99_ms_5000"] == 2
    assert numbers["latency_p50_to_relay_ratio_5000"] == 3
    assert numbers["latency_growth_ms_per_s_5000"] == 0


def test_growth_is_what_piles_up() -> None:
    """A processor that lacks a tenth of the rate falls behind by a tenth of the time."""
    sent = [second / 10 for second in range(100)]
    behind = Passage(sent, [5 + at * 100 for at in sent])
    assert behind.growth_ms_per_s == pytest.approx(100)
    assert Passage(sent[:99], [5.0, 9.0, 7.0] * 33).growth_ms_per_s == 0
