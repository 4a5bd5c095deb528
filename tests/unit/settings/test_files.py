"""The sample files beside this test: their name is the verdict, their ``#!`` lines are the expected problems."""

from pathlib import Path

import jsonschema
import pytest

from leadline.errors import UsageError
from leadline.settings.declare import Settings
from leadline.settings.load import load
from leadline.settings.processes import PROCESSES, to_json_schema
from leadline.settings.source import read

FILES = sorted(Path(__file__).parent.glob("*.yaml"))
GOOD = [path for path in FILES if path.name.startswith("good-")]
BAD = [path for path in FILES if path.name.startswith("bad-")]
SECRET = "hunter2"


def group(path: Path) -> type[Settings]:
    """The settings class that a file's first line names."""
    return PROCESSES[path.read_text().splitlines()[0].removeprefix("# ")]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files_load(path: Path) -> None:
    """A good file loads, and neither the settings nor where they come from show its secrets."""
    loaded = load(group(path), path, {})
    assert SECRET not in repr(loaded)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files_fit_the_schema(path: Path) -> None:
    """An editor that has the schema reports nothing in a good file."""
    assert faults(path) == []


@pytest.mark.parametrize("name", ["bad-missing", "bad-misspelt", "bad-values", "bad-shapes", "bad-secret-twins"])
def test_bad_files_do_not_fit_the_schema(name: str) -> None:
    """An editor sees what is misspelt, missing, of the wrong type, or given twice."""
    assert faults(Path(__file__).with_name(f"{name}.yaml")) != []


def faults(path: Path) -> list[str]:
    schema = to_json_schema(group(path))
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(read(path).data)]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_files_report_every_problem(path: Path) -> None:
    """Each problem is named with its line, path and remedy; there is no other, and no secret is shown."""
    expected = [line.removeprefix("#! ") for line in path.read_text().splitlines() if line.startswith("#! ")]
    with pytest.raises(UsageError) as caught:
        load(group(path), path, {})
    found = str(caught.value).replace(f"{path}:", "").splitlines()
    assert len(found) == len(expected)
    for wanted in expected:
        assert any(line.strip().startswith(wanted) for line in found), (wanted, found)
    assert SECRET not in str(caught.value) + repr(caught.value)
