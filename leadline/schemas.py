"""The topics described for other programs: a JSON Schema of each topic's values, and one AsyncAPI document of all.

``python -m leadline.schemas DIRECTORY`` writes them from ``leadline.model`` and ``leadline.topics``, never by hand.
A schema states what a reader must accept: fields with a default may be absent, others may be added.
"""

import ast
import inspect
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import orjson
import yaml
from msgspec import Struct

from leadline import __version__
from leadline.clock import moment
from leadline.model import Value
from leadline.settings.common import KafkaSettings
from leadline.topic_specs import TOPICS, TopicSpec
from leadline.topics import PARTITIONS
from leadline.wire import CODECS, OBSERVATIONS, VITALS, Codec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
BINDING = "0.5.0"  # https://github.com/asyncapi/bindings/blob/master/kafka/README.md


def value_schema(codec: Codec[Any]) -> dict[str, Any]:
    """JSON Schema 2020-12 of one topic's value; the docstrings of types and fields are its descriptions."""
    schema = msgspec.json.schema(codec.decoder.type)
    for cls in Value.__subclasses__():
        if cls.__name__ in schema["$defs"]:
            described = schema["$defs"][cls.__name__]
            if "description" in described:
                described["description"] = inspect.cleandoc(described["description"])  # msgspec does so from 0.23
            fields = described["properties"]
            for field, text in _field_docstrings(cls).items():
                fields[field]["description"] = text
    arrays = _arrays(Struct)
    for array in arrays:
        if array.__name__ in schema["$defs"]:
            # The places of an array have no names: each gets that of its field.
            places = schema["$defs"][array.__name__]["prefixItems"][-len(array.__struct_fields__) :]
            texts = {name: text for part in arrays if issubclass(array, part) for name, text in _texts(part)}
            for place, name in zip(places, array.__struct_fields__, strict=True):
                place.update({"title": name} | ({"description": texts[name]} if name in texts else {}))
    return {"$schema": DIALECT, "$id": codec.schema_id, **schema}


def _arrays(base: type[Struct]) -> list[type[Struct]]:
    """Values that are arrays."""
    found: list[Any] = []
    for cls in base.__subclasses__():
        found += [cls, *_arrays(cls)]
    return [cls for cls in found if cls.__struct_config__.array_like and cls.__module__.startswith("leadline.model.")]


def _texts(cls: type[Struct]) -> list[tuple[str, str]]:
    """The docstrings of the fields that a class adds."""
    return list(_field_docstrings(cls).items())


def _field_docstrings(cls: type[Struct]) -> dict[str, str]:
    """The docstring under each field in the source, by the field's name on the wire."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    on_the_wire = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
    found = {}
    for field, text in pairwise(tree.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(words))) if name in on_the_wire:
                found[on_the_wire[name]] = " ".join(words.split())
    return found


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3 document of every topic."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Leadline",
            "version": __version__,
            "description": "What Leadline keeps in Kafka. Values are JSON, CloudEvents 1.0 attributes are headers.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {spec.name: _channel(spec) for spec in TOPICS.values()},
        "components": {"messages": {name: _message(codec) for name, codec in CODECS.items()} | {"vitals": _vitals()}},
    }


def _channel(spec: TopicSpec) -> dict[str, Any]:
    config: dict[str, Any] = {"cleanup.policy": spec.cleanup.split(",")}
    if spec.retention_s:
        config["retention.ms"] = spec.retention_s * 1000
    kafka = {"partitions": PARTITIONS, "topicConfiguration": config, "bindingVersion": BINDING}
    channel = {
        "address": KafkaSettings().topic_prefix + spec.name,
        "description": f"{spec.about} Key: {spec.key}. Value: {spec.value}.",
        "bindings": {"kafka": kafka},
    }
    if spec.codec:
        names = [spec.codec.name, *([VITALS.name] if spec.codec is OBSERVATIONS else [])]
        channel["messages"] = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return channel


def _message(codec: Codec[Any]) -> dict[str, Any]:
    names = [name for name, _ in codec.headers(event_id="", source="", time=moment(0), subject="")]
    fixed = {"ce_type": codec.ce_type, "ce_dataschema": codec.schema_id}
    key = {"type": "string", "description": TOPICS[codec.name].key}
    return {
        "name": codec.ce_type,
        "headers": {
            "type": "object",
            "properties": {
                name: {"type": "string"} | ({"const": fixed[name]} if name in fixed else {}) for name in names
            },
            "required": names,
        },
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"schemas/{codec.name}.json"},
        },
        "bindings": {"kafka": {"key": key, "bindingVersion": BINDING}},
    }


def _vitals() -> dict[str, Any]:
    """The message of vitals, which has no headers."""
    message = _message(OBSERVATIONS)
    del message["headers"]
    payload = {**message["payload"], "schema": {"$ref": f"schemas/{VITALS.name}.json"}}
    return {**message, "name": VITALS.ce_type, "payload": payload}


def files() -> dict[str, bytes]:
    """Content of every generated file, by its path under the directory."""
    pretty = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    schemas = {
        f"schemas/{codec.name}.json": orjson.dumps(value_schema(codec), option=pretty)
        for codec in (*CODECS.values(), VITALS)
    }
    return {**schemas, "asyncapi.yaml": yaml.safe_dump(asyncapi(), sort_keys=False, width=110).encode()}


def write(directory: Path) -> None:
    """Write every generated file."""
    for name, content in files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
