"""Waits between attempts to connect."""

import pytest

from leadline_agents.backoff import delay_s


@pytest.mark.parametrize(("failures", "longest"), [(0, 0.5), (1, 1.0), (3, 4.0), (4, 5.0), (10_000, 5.0)])
def test_a_wait_doubles_up_to_its_limit(failures: int, longest: float) -> None:
    """Each is between half of its bound and the whole."""
    waits = [delay_s(failures, 5.0) for _ in range(200)]
    assert longest / 2 <= min(waits) <= max(waits) <= longest
    assert len(set(waits)) > 1
