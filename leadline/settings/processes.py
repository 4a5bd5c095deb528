"""The settings of each process: recognized in a file, and as a JSON Schema for editors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from leadline.errors import UsageError
from leadline.settings.agent import AgentSettings
from leadline.settings.declare import REQUIRED, Settings, groups, settings_of, twin
from leadline.settings.environment import overlay
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.source import read
from leadline.settings.stream import StreamSettings
from leadline.settings.verify import VerifySettings
from leadline.settings.web_console import WebConsoleSettings

PROCESSES: Final[dict[str, type[Settings]]] = {
    "agent": AgentSettings,
    "stream": StreamSettings,
    "sink": SinkSettings,
    "verify": VerifySettings,
    "console": WebConsoleSettings,
}


def recognize(path: Path | None, environ: Mapping[str, str]) -> str:
    """The process that has most of the top-level settings. Raises UsageError when two have equally many."""
    data: Any = read(path).data if path else {}
    known = {
        name: sum(setting.key in overlay(group, data, environ)[0] for setting in settings_of(group))
        for name, group in PROCESSES.items()
    }
    best = [name for name, count in known.items() if count == max(known.values())]
    if len(best) > 1:
        what = path or "the environment"
        raise UsageError(f"{what} fits several processes; give --process {' or '.join(best)}")
    return best[0]


def to_json_schema(group: type[Settings]) -> dict[str, Any]:
    """The schema of a process's file (draft 2020-12). It cannot check conditions on several settings or on the disk."""
    (root,), components = msgspec.json.schema_components(
        [group], ref_template="#/$defs/{name}", schema_hook=lambda cls: {"type": "string"} if cls is Secret else {}
    )
    for member in groups(group):
        _add_twins(member, components[member.__name__])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": components}


def _add_twins(group: type[Settings], schema: dict[str, Any]) -> None:
    """Add ``dsn_file`` beside ``dsn``, and so on for every secret; exactly one of a required pair is given."""
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
