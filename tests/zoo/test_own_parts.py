"""Controls that are about Leadline's own parts: the judgement is restarted."""

import pytest

from leadline_lab.faults.topologies import Pair
from leadline_lab.sandbox.workload import writing
from tests.zoo.conftest import Watch

pytestmark = pytest.mark.control


def test_planned_restart_of_the_judge(pair: Pair, watch: Watch) -> None:
    """A worker is stopped while the primary writes, and another continues from its saved state."""
    rig = watch(pair)
    with writing(pair.primary):
        rig.observation.restart_judgement()
        rig.steady(8.0)
