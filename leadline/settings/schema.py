"""JSON Schema of a settings file, for editors; it cannot see what needs more than one setting or the disk."""

from typing import Any

import msgspec

from leadline.settings.declare import REQUIRED, Settings, groups, settings_of, twin
from leadline.settings.secret import Secret


def to_json_schema(group: type[Settings]) -> dict[str, Any]:
    """The schema of one process's file (draft 2020-12)."""
    (root,), components = msgspec.json.schema_components(
        [group], ref_template="#/$defs/{name}", schema_hook=lambda cls: {"type": "string"} if cls is Secret else {}
    )
    for member in groups(group):
        _add_twins(member, components[member.__name__])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": components}


def _add_twins(group: type[Settings], schema: dict[str, Any]) -> None:
    for setting in settings_of(group):
        if setting.kind != "secret":
            continue
        file = twin(setting.key)
        schema["properties"][file] = {"type": "string", "description": f"File that holds `{setting.key}`."}
        rule: dict[str, Any] = {"not": {"required": [setting.key, file]}}
        if setting.default is REQUIRED:
            schema["required"].remove(setting.key)
            rule = {"oneOf": [{"required": [setting.key]}, {"required": [file]}]}
        schema.setdefault("allOf", []).append(rule)
