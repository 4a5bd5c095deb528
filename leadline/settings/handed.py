"""Settings as plain data again, for the file of a process that we start."""

from typing import Any

import msgspec

from leadline.settings.secret import Secret


def handed(settings: Any) -> Any:
    """Settings, or a part of them, in builtins under their names in files; what is unset is left out.

    Secrets are revealed: it belongs into a file that only we can read.
    """
    return _set(msgspec.to_builtins(settings, enc_hook=_reveal))


def _reveal(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"no setting is a {type(value).__name__}")


def _set(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _set(item) for name, item in value.items() if item is not None}
    return [_set(item) for item in value] if isinstance(value, list) else value
