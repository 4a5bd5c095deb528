"""The documents of an audit against the schemas of their formats, which stand in ``tests/fixtures/schemas``."""

import json
from pathlib import Path

import jsonschema
import pytest
import xmlschema
from msgspec.structs import replace

from leadline_streams.audit.finding import AuditReport
from leadline_streams.audit.reports.junit import junit
from leadline_streams.audit.reports.sarif import sarif
from tests.unit.streams.audit.draft import Draft
from tests.unit.streams.audit.test_documents import broken

SCHEMAS = Path(__file__).parents[3] / "fixtures" / "schemas"
SARIF = jsonschema.Draft7Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()))
JUNIT = xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


def nothing() -> AuditReport:
    """An audit of servers that could not be read."""
    return replace(Draft().report(missing={"pg-1": "timeout"}), findings=[], held=[])


@pytest.mark.parametrize("make", [broken, nothing])
def test_sarif_is_valid(make: object) -> None:
    """Against the schema of OASIS, findings with a file and without, and what was not judged."""
    assert callable(make)
    document = json.loads(sarif(make(), "1.0"))
    assert [error.message for error in SARIF.iter_errors(document)] == []


def test_sarif_that_is_not_valid_is_seen() -> None:
    """The schema refuses a level that the format does not have."""
    document = json.loads(sarif(broken(), "1.0"))
    document["runs"][0]["results"][0]["level"] = "critical"
    assert not SARIF.is_valid(document)


@pytest.mark.parametrize("fail_on", ["critical", "info", "never"])
@pytest.mark.parametrize("make", [broken, nothing])
def test_junit_is_valid(make: object, fail_on: str) -> None:
    """Against the schema of Jenkins' xUnit plugin, which demands the number of errors of each suite."""
    assert callable(make)
    text = junit(make(), fail_on)
    assert [error.reason for error in JUNIT.iter_errors(text)] == []
    assert not JUNIT.is_valid(text.replace(' errors="0"', ""))
