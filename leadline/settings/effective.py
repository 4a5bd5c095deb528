"""What holds in the end: every setting with its value, secrets masked, and where it came from."""

from collections.abc import Iterator
from typing import Any

from leadline.settings.declare import SettingPath, Settings, settings_of
from leadline.settings.load import Loaded
from leadline.settings.secret import Secret


def effective(loaded: Loaded[Any]) -> Iterator[tuple[SettingPath, Any, str]]:
    """Path, value, and file and line or variable (``default`` where nothing was said) of each setting."""
    for path, value in _walk(loaded.settings, ()):
        yield path, value, loaded.origins.get(path, "default")


def _walk(group: Settings, path: SettingPath) -> Iterator[tuple[SettingPath, Any]]:
    for setting in settings_of(type(group)):
        here, value = (*path, setting.key), getattr(group, setting.attribute)
        match setting.kind:
            case "group":
                yield from _walk(value, here)
            case "list":
                for index, item in enumerate(value):
                    yield from _said(item, (*here, index))
            case "map":
                for name, item in value.items():
                    yield from _said(item, (*here, name))
            case _:
                yield here, str(value) if isinstance(value, Secret) else value


def _said(item: Settings, path: SettingPath) -> Iterator[tuple[SettingPath, Any]]:
    """Of an item, what is not left to its default of nothing."""
    return ((here, value) for here, value in _walk(item, path) if value not in (None, {}, [], ""))
