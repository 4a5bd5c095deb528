"""Settings as plain data: for display with masked secrets, and for the file of a process that we start."""

from collections.abc import Iterator
from typing import Any

import msgspec

from leadline.settings.declare import SettingPath, Settings, settings_of
from leadline.settings.load import Loaded
from leadline.settings.secret import Secret


def effective(loaded: Loaded[Any]) -> Iterator[tuple[SettingPath, Any, str]]:
    """Path, value and origin of every setting. Secrets are masked.

    The origin is a file and line, a variable, or ``default``.
    """
    for path, value in _walk(loaded.settings, ()):
        yield path, value, loaded.origins.get(path, "default")


def revealed(settings: Any) -> Any:
    """Settings, or a part of them, under their names in files. Unset ones are left out.

    Secrets are revealed: write the result only to a file that nobody else can read.
    """
    return _without_unset(msgspec.to_builtins(settings, enc_hook=_reveal))


def _walk(group: Settings, path: SettingPath) -> Iterator[tuple[SettingPath, Any]]:
    for setting in settings_of(type(group)):
        here, value = (*path, setting.key), getattr(group, setting.attribute)
        match setting.kind:
            case "group":
                yield from _walk(value, here)
            case "list":
                for index, item in enumerate(value):
                    yield from _given(item, (*here, index))
            case "map":
                for name, item in value.items():
                    yield from _given(item, (*here, name))
            case _:
                yield here, str(value) if isinstance(value, Secret) else value


def _given(item: Settings, path: SettingPath) -> Iterator[tuple[SettingPath, Any]]:
    """The settings of an item that are not empty."""
    return ((here, value) for here, value in _walk(item, path) if value not in (None, {}, [], ""))


def _reveal(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"no setting is a {type(value).__name__}")


def _without_unset(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_unset(item) for name, item in value.items() if item is not None}
    return [_without_unset(item) for item in value] if isinstance(value, list) else value
