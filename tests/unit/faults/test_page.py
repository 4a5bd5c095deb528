"""The table of the faults."""

from dataclasses import fields
from itertools import pairwise

import pytest

from tests.faults.account import Judgements, LastRecords, Observations
from tests.faults.notified import Notified
from tests.faults.page import BEGIN, COLUMNS, END, FAULTS, PAGE, PEOPLE, line, seal, written

WHERE = {"measured_on": "2026-01-02", "machine": "2 cores", "python": "Python 3.11.7", "kafka": "Apache Kafka 4.4.0"}
COUNTED = {"observations": 12_345, "lost": 0, "disordered": 0, "repeated": 6}
RUN = WHERE | {"faults": [{"fault": "agent_killed", "times": 6} | COUNTED]}


def test_every_count_is_a_column() -> None:
    """Every count is published."""
    counts = [field.name for each in (Observations, Judgements, LastRecords) for field in fields(each)]
    assert list(COLUMNS) == [*counts, "restarts"]
    assert list(PEOPLE) == [field.name for field in fields(Notified)]


def test_the_table_is_between_the_marks() -> None:
    """Writing a run replaces what stood between the marks, and nothing else."""
    first = written(f"above\n{BEGIN}\nold\n{END}\nbelow\n", RUN)
    assert first.startswith(f"above\n{BEGIN}\n\nCounted on 2026-01-02; 2 cores, Python 3.11.7, Apache Kafka 4.4.0.\n")
    assert first.endswith(f"{END}\nbelow\n")
    assert "old" not in first
    assert written(first, RUN) == first


def test_what_was_not_counted_is_blank() -> None:
    """A fault of an agent has no counts of judgements, which is not the same as zero."""
    assert f"| {FAULTS['agent_killed']} | 6 | 12,345 | 0 | 0 | 6 |  |  |  |  |  |  |  |  |  |" in written(
        f"{BEGIN}{END}", RUN
    )
    assert line(RUN["faults"][0]) == "agent_killed: observations 12,345, lost 0, disordered 0, repeated 6"


def test_notifications_have_their_own_table() -> None:
    """Under the other, and alone when nothing else was counted."""
    row = {"fault": "sink_killed", "times": 5} | dict.fromkeys(PEOPLE, 0) | {"incidents": 40}
    page = written(f"{BEGIN}{END}", RUN | {"faults": [row, *RUN["faults"]]})
    alone = written(f"{BEGIN}{END}", RUN | {"faults": [row]})
    assert page.index(FAULTS["agent_killed"]) < page.index("| fault | times | incidents | pages |")
    assert f"| {FAULTS['sink_killed']} | 5 | 40 |{' 0 |' * (len(PEOPLE) - 1)}" in page
    assert alone.count("| fault |") == 1


def test_a_page_without_marks() -> None:
    """Nothing is written where the table has no place."""
    with pytest.raises(ValueError, match="the page lacks"):
        written(f"{END}{BEGIN}", RUN)


def test_the_published_table_is_as_it_was_written() -> None:
    """No row of it was entered by hand, or comes from another run."""
    *rows, last = PAGE.read_text().partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    assert last == seal(rows[:-1])
    assert last != seal([*rows[:-1], "| a row | 1 |"])


def test_the_published_table_has_the_form_and_nothing_lost() -> None:
    """The page was written by a run of all that is done and counted now, and what must be zero is zero."""
    rows = [row for row in PAGE.read_text().partition(BEGIN)[2].partition(END)[0].splitlines() if row.startswith("|")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    heads = [at for at, row in enumerate(cells) if row[0] == "fault"]
    tables = [cells[begin:end] for begin, end in pairwise([*heads, None])]
    harmless = {"observations", "repeated", "judgements", "judgements_repeated", "keys", "restarts"}
    harmless |= {"incidents", "pages", "messages_again", "lines_again", "pages_again"}
    for (header, _, *faults), columns in zip(tables, (COLUMNS, PEOPLE), strict=True):
        assert header == ["fault", "times", *columns.values()]
        for fault in faults:
            counts = dict(zip(columns, fault[2:], strict=True))
            assert {count for name, count in counts.items() if name not in harmless} <= {"0", ""}
    assert [fault[0] for _, _, *faults in tables for fault in faults] == list(FAULTS.values())
