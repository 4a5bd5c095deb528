"""A YAML file as plain data, with the line of each setting."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from leadline.errors import UsageError
from leadline.settings.declare import SettingPath

_QUOTED = re.compile(r"'[^'<][^']{2,}'")
"""Quotations in YAML's errors, which may be secrets: ``password: *hunter2`` is an undefined alias."""


@dataclass(slots=True)
class Document:
    """The content of a file. ``data`` consists of dicts with text keys, lists and scalars."""

    name: str
    data: Any = field(default_factory=dict)
    lines: dict[SettingPath, int] = field(default_factory=dict)
    repeated: list[SettingPath] = field(default_factory=list)
    """Keys that are twice in one group; the first would be silently ignored."""

    def place(self, path: SettingPath) -> str:
        """File and line of a setting, or of the nearest group around it that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines[path]}" if path in self.lines else self.name


def read(path: Path) -> Document:
    """Read a file. Raises UsageError when it cannot be read, or is not YAML whose top level is settings."""
    document = Document(str(path))
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: cannot read the settings: not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot read the settings: {error.strerror}") from None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        document.data = {} if node is None else _data(loader, node, (), document)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{path}{line}: this is not YAML: {_QUOTED.sub('…', error.problem or '')}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{path}: this is not YAML: {str(error).splitlines()[0]}") from None
    document.data = {} if document.data is None else document.data
    if not isinstance(document.data, dict):
        raise UsageError(f"{path}: expected settings as 'name: value' lines, found {type(document.data).__name__}")
    return document


def _data(loader: yaml.SafeLoader, node: yaml.Node, path: SettingPath, document: Document) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    match node:
        case yaml.MappingNode():
            own = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            document.repeated += [(*path, key) for key in dict.fromkeys(own) if own.count(key) > 1 and key != "<<"]
            loader.flatten_mapping(node)
            found = {}
            for key, value in node.value:
                # The key as written: a datacenter named "no" must not become False.
                name = key.value if isinstance(key, yaml.ScalarNode) else str(loader.construct_object(key, deep=True))
                document.lines[(*path, name)] = key.start_mark.line + 1
                found[name] = _data(loader, value, (*path, name), document)
            return found
        case yaml.SequenceNode():
            return [_data(loader, item, (*path, index), document) for index, item in enumerate(node.value)]
    try:
        return loader.construct_object(node)
    except ValueError:
        raise yaml.constructor.ConstructorError(
            problem="a value looks like a number or a date but is not one; put it in quotes",
            problem_mark=node.start_mark,
        ) from None
