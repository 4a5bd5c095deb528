"""The generated descriptions of the topics are true, and the committed files are the generated ones."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline import schemas, wire
from leadline.topics import TOPICS
from tests.unit.strategies import values
from tests.unit.test_wire import EXAMPLES

REFERENCE = Path(__file__).parents[2] / "docs/reference"
VALIDATORS = {
    codec.name: jsonschema.Draft202012Validator(schemas.value_schema(codec)) for codec in wire.CODECS.values()
}
each_codec = pytest.mark.parametrize("codec", wire.CODECS.values(), ids=lambda codec: codec.name)


@pytest.mark.parametrize("name", schemas.files())
def test_committed_files_are_current(name: str) -> None:
    """``make docs`` was run after the types changed."""
    assert (REFERENCE / name).read_bytes() == schemas.files()[name], "run: make docs"


def test_no_file_is_left_over() -> None:
    """The schema of a value that is gone is gone too."""
    assert {f"schemas/{path.name}" for path in (REFERENCE / "schemas").iterdir()} <= set(schemas.files())


@each_codec
def test_schemas_are_schemas(codec: wire.Codec[Any]) -> None:
    """Each file is valid by the dialect it names."""
    jsonschema.Draft202012Validator.check_schema(schemas.value_schema(codec))


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
    """What a field's docstring says stands in the schema, under the field's name on the wire."""
    fields = schemas.value_schema(wire.OBSERVATIONS)["$defs"]["Sample"]["properties"]
    assert fields["at"]["description"].startswith("The database's clock")


def test_every_topic_is_a_channel() -> None:
    """AsyncAPI lists each topic with its policy, and where each value's schema is."""
    document = schemas.asyncapi()
    assert list(document["channels"]) == list(TOPICS)
    for name, channel in document["channels"].items():
        policy = channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"]
        assert ",".join(policy) == TOPICS[name].cleanup
        for message in channel.get("messages", {}):
            payload = document["components"]["messages"][message]["payload"]
            assert payload["schema"]["$ref"] in schemas.files()
