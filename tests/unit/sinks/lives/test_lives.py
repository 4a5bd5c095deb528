"""Everything that people read over the life of eight problems, in each sink.

To change a text, change it where it is made, run this file as a program, and read the new files in ``golden`` aloud.
"""

from pathlib import Path

import pytest

from tests.unit.sinks.lives.notified import life
from tests.unit.sinks.lives.problems import PROBLEMS, played

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_life(problem: str) -> None:
    """Opening, update, acknowledgement, change and end: every message is the one that was agreed."""
    assert life(played(problem).records) == (GOLDEN / f"{problem}.txt").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_entry_is_sent_once(problem: str) -> None:
    """Each line of the timeline is in the thread in Slack or was there at the beginning, also those of one instant."""
    records = played(problem).records
    text = life(records).replace("`", "")
    for entry in records[-1][1].timeline:
        if entry.at > records[0][1].detected_at and not entry.what.startswith("resolved"):
            assert text.count(f"{entry.at:%H:%M:%S} UTC  {entry.what}\n") == 1


if __name__ == "__main__":
    for each in PROBLEMS:
        (GOLDEN / f"{each}.txt").write_text(life(played(each).records), "utf-8")
