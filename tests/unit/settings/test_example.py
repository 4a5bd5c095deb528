"""The example files are the declaration, and can be used as they stand."""

from pathlib import Path

import pytest

from leadline.settings.declare import leaves
from leadline.settings.example import example
from leadline.settings.load import load
from leadline.settings.processes import PROCESSES

EXAMPLES = Path(__file__).parents[3] / "deploy/examples"
each_process = pytest.mark.parametrize("process", PROCESSES)


@each_process
def test_the_file_is_current(process: str) -> None:
    """`make docs` writes the files; they are the same as what would be written now."""
    assert (EXAMPLES / f"{process}.yaml").read_text() == example(process)


@each_process
def test_the_file_loads(process: str) -> None:
    """Nothing is wrong with it, and what is not made up in it is at its default."""
    load(PROCESSES[process], EXAMPLES / f"{process}.yaml", {})


@each_process
def test_each_setting_stands_in_it(process: str) -> None:
    """In the order of declaration, each with a value."""
    lines = iter(line.strip().removeprefix("# ") for line in example(process).splitlines())
    for _, setting in leaves(PROCESSES[process]):
        assert any(line.startswith(f"{setting.key}: ") for line in lines), setting.key
