"""The summary of the agent's footprint; the measurement itself needs servers."""

from bench.agent import summary


def phase(rss: float, cpu: float, db_cpu: float) -> dict[str, float]:
    return {"rss_mb": rss, "private_mb": rss / 2, "cpu_s_per_100": cpu, "db_cpu_s_per_100": db_cpu}


def test_ratios_are_medians_of_each_repetition() -> None:
    """A repetition on a busy moment of the machine compares with its own neighbour, not with another's median."""
    numbers = summary(
        {
            "agent": [phase(30, 1, 1), phase(30, 9, 2), phase(30, 1, 3)],
            "exporter": [phase(15, 2, 4), phase(10, 9, 4), phase(20, 4, 4)],
        }
    )
    assert numbers["agent_rss_to_exporter_ratio"] == 2.0
    assert numbers["agent_cpu_to_exporter_ratio"] == 0.5
    assert numbers["agent_db_cpu_to_exporter_ratio"] == 0.5
    assert numbers["exporter_cpu_s_per_100"] == 4


def test_without_an_exporter_there_is_no_ratio() -> None:
    """A number that was not measured is absent."""
    numbers = summary({"agent": [phase(30, 1, 1)]})
    assert numbers["agent_rss_mb"] == 30
    assert not [key for key in numbers if key.endswith("ratio")]


def test_each_agent_is_compared_with_each_exporter() -> None:
    """Not with the others."""
    numbers = summary(
        {"agent": [phase(30, 1, 4)], "agent_vitals": [phase(30, 1, 1)], "exporter": [phase(15, 2, 8)]},
    )
    assert numbers["agent_vitals_db_cpu_to_exporter_ratio"] == 0.125
    assert not [key for key in numbers if "to_agent" in key]
