"""The generated descriptions of the topics are true, and the committed files are the generated ones."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline import schemas, wire
from leadline.topic_specs import TOPICS
from tests.unit.strategies import values
from tests.unit.test_wire import EXAMPLES

REFERENCE = Path(__file__).parents[2] / "docs/reference"
FILES = schemas.files()
CODECS = {**wire.CODECS, "vitals": wire.VITALS}
VALIDATORS = {name: jsonschema.Draft202012Validator(json.loads(FILES[f"schemas/{name}.json"])) for name in CODECS}
each_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)


@pytest.mark.parametrize("name", FILES)
def test_committed_files_are_current(name: str) -> None:
    """``make docs`` was run after the types changed."""
    assert (REFERENCE / name).read_bytes() == FILES[name], "run: make docs"


def test_no_file_is_left_over() -> None:
    """The schema of a value that is gone is gone too."""
    assert {f"schemas/{path.name}" for path in (REFERENCE / "schemas").iterdir()} <= set(FILES)


@each_codec
def test_schemas_are_schemas(codec: wire.Codec[Any]) -> None:
    """Each file is valid by the dialect it names."""
    jsonschema.Draft202012Validator.check_schema(VALIDATORS[codec.name].schema)


@pytest.mark.slow
@each_codec
@given(data=st.data())
def test_whatever_is_written_validates(codec: wire.Codec[Any], data: st.DataObject) -> None:
    """The schema accepts every value that the product can write."""
    value = data.draw(values(codec.decoder.type))
    VALIDATORS[codec.name].validate(json.loads(wire.encode(value)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_needed_is_required(name: str) -> None:
    """A record without one of its fields is refused by the schema exactly when decoding refuses it."""
    codec, value = EXAMPLES[name]
    plain = json.loads(wire.encode(value))
    for field in plain:
        part = {key: plain[key] for key in plain if key != field}
        try:
            codec.decode(json.dumps(part).encode())
        except wire.BadRecord:
            assert not VALIDATORS[codec.name].is_valid(part), field
        else:
            assert VALIDATORS[codec.name].is_valid(part), field


def test_fields_are_described() -> None:
    """A field's docstring is its description in the schema, under its name on the wire."""
    fields = VALIDATORS[wire.OBSERVATIONS.name].schema["$defs"]["Sample"]["properties"]
    assert fields["at"]["description"].startswith("The database's clock")
    places = VALIDATORS["vitals"].schema["$defs"]["PostgresqlVitals"]["prefixItems"]
    assert [place.get("title") for place in places[:6]] == [None, "node", "boot", "seq", "base", "sent_ms"]
    assert places[4]["description"].startswith("The ``seq`` of the whole sample")


def test_every_topic_is_a_channel() -> None:
    """AsyncAPI lists each topic with its policy, and where each value's schema is."""
    document = schemas.asyncapi()
    assert list(document["channels"]) == list(TOPICS)
    for name, channel in document["channels"].items():
        policy = channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"]
        assert ",".join(policy) == TOPICS[name].cleanup
        for message in channel.get("messages", {}):
            payload = document["components"]["messages"][message]["payload"]
            assert payload["schema"]["$ref"] in FILES
