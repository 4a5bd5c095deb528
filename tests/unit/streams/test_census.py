"""The metrics of the clusters that a worker judges."""

from leadline.metrics import REGISTRY
from leadline_streams.runtime import gauges
from tests.unit.streams.world import QUICK, World


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_links_incidents_late_and_repeated_samples_are_counted_once() -> None:
    world = World(replay_paused=QUICK)
    primary, standby = world.pair()
    for _ in range(20):
        world.step()
        world.stream(primary, standby)
    again = standby.sample(world.time + 1)
    for _ in range(3):
        world.state.observe(again)
    world.state.observe(primary.sample(world.time - 10))
    repeated, late = value("leadline_stream_duplicates_total"), value("leadline_stream_late_total")
    gauges.count([world.state])
    gauges.count([world.state])
    assert value("leadline_stream_duplicates_total") - repeated == 2
    assert value("leadline_stream_late_total") - late == 1
    assert value("leadline_stream_links", verdict=next(iter(world.state.memory.links.values())).verdict) == 1
    assert value("leadline_stream_incidents_open") == 0
    gauges.count([])
    assert value("leadline_stream_links", verdict="healthy") == 0
