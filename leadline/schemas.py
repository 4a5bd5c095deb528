"""What is on the topics, for other programs: a JSON Schema for each topic's value, and one AsyncAPI document of all.

``python -m leadline.schemas DIRECTORY`` writes them from ``leadline.model`` and ``leadline.topics``, never by hand.
A schema says what a reader must accept: fields with a default may be absent, others may be added.
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

from leadline.model import Value
from leadline.wire import CODECS, Codec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def value_schema(codec: Codec[Any]) -> dict[str, Any]:
    """JSON Schema 2020-12 of one topic's value; the docstrings of types and fields are its descriptions."""
    schema = msgspec.json.schema(codec.decoder.type)
    for cls in Value.__subclasses__():
        if cls.__name__ in schema["$defs"]:
            fields = schema["$defs"][cls.__name__]["properties"]
            for field, text in _field_docstrings(cls).items():
                fields[field]["description"] = text
    return {"$schema": DIALECT, "$id": codec.schema_id, **schema}


def _field_docstrings(cls: type[Value]) -> dict[str, str]:
    """What stands under each field in the source, by the field's name on the wire."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    on_the_wire = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
    found = {}
    for field, text in pairwise(tree.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(words))):
                found[on_the_wire[name]] = " ".join(words.split())
    return found


def files() -> dict[str, bytes]:
    """Content of every generated file, by its path under the directory."""
    pretty = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return {f"schemas/{codec.name}.json": orjson.dumps(value_schema(codec), option=pretty) for codec in CODECS.values()}


def write(directory: Path) -> None:
    """Write every generated file."""
    for name, content in files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
