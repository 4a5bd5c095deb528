"""``LEADLINE_*`` variables, which override the settings of a file.

The name of a variable is the path of its setting: ``LEADLINE_KAFKA_SASL_PASSWORD`` is ``kafka.sasl.password`` and
``LEADLINE_INSTANCES_0_DSN`` is ``instances[0].dsn``. With ``_FILE`` at the end it names a file that holds a secret. An
empty variable counts as not set.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

import yaml

from leadline.settings.declare import Setting, SettingPath, Settings, leaves, settings_of

PREFIX: Final = "LEADLINE_"


def variable(path: SettingPath) -> str:
    """The environment variable of a setting."""
    return PREFIX + "_".join(map(_word, path))


def _word(part: str | int) -> str:
    return re.sub(r"[^A-Za-z0-9<>]", "_", str(part)).upper()


def overlay(
    group: type[Settings], data: Any, environ: Mapping[str, str]
) -> tuple[Any, dict[SettingPath, str], list[tuple[str, str]]]:
    """Override ``data`` with the variables. Return the result, the variable of each setting, and the problems."""
    origins: dict[SettingPath, str] = {}
    problems: list[tuple[str, str]] = []
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or not text:
            continue
        found = _find(group, name.removeprefix(PREFIX))
        if found is None:
            problems += _misspelt(group, name)
            continue
        path, setting = found
        for other in ((*path[:-1], key) for key in setting.keys if key != path[-1]):
            if other in origins:
                problems.append((name, f"{origins[other]} is also set; set only one of them"))
            data = _put(data, other, None)
        data = _put(data, path, text if setting.is_text else _parse(text))
        origins[path] = name
    return data, origins, problems


def _find(group: type[Settings], rest: str) -> tuple[SettingPath, Setting] | None:
    """The setting that a variable's name stands for."""
    for setting in settings_of(group):
        for key in setting.keys:
            word = _word(key)
            if setting.group is None and rest == word:
                return (key,), setting
            if setting.group is None or not rest.startswith(word + "_"):
                continue
            for item, deeper in _items(setting, rest.removeprefix(word + "_")):
                if found := _find(setting.group, deeper):
                    return (key, *item, *found[0]), found[1]
    return None


def _items(setting: Setting, rest: str) -> list[tuple[SettingPath, str]]:
    """The possible readings of the part of a name that identifies an item of a list or map."""
    if setting.kind == "group":
        return [((), rest)]
    cuts = [(rest[: at.start()], rest[at.end() :]) for at in re.finditer("_", rest)]
    if setting.kind == "list":
        return [((int(item),), deeper) for item, deeper in cuts if re.fullmatch("[0-9]{1,3}", item)]
    return [((item.lower(),), deeper) for item, deeper in cuts if item]


def _put(data: Any, path: SettingPath, value: Any) -> Any:
    """``data`` with ``value`` at ``path``. Missing groups and items are created. None means not given."""
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        items = list(data) if isinstance(data, list) else []
        items += [None] * (part + 1 - len(items))
        items[part] = _put(items[part], rest, value)
        return items
    inside = data if isinstance(data, dict) else {}
    return inside | {part: _put(inside.get(part), rest, value)}


def _parse(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _misspelt(group: type[Settings], name: str) -> list[tuple[str, str]]:
    """A problem if the name begins like a group of this process; other variables may belong to other processes."""
    if not name.startswith(tuple(variable((s.key,)) + "_" for s in settings_of(group) if s.group)):
        return []
    near = get_close_matches(name, [variable(path) for path, _ in leaves(group)], 1, 0.8)
    return [(name, "there is no such setting" + (f"; did you mean {near[0]}?" if near else ""))]
