"""Typed settings from a file and the environment. All problems are reported together."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from leadline.errors import UsageError
from leadline.redaction.redact import redact
from leadline.settings.declare import REQUIRED, Setting, SettingPath, Settings, path_text, settings_of, twin
from leadline.settings.environment import overlay
from leadline.settings.secret import Secret
from leadline.settings.source import Document, read

S = TypeVar("S", bound=Settings)
BAD: Final = object()
"""Stands for a wrong value that has been reported."""
SHOWN_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: the file and line or the variable, the setting, and what to do."""

    where: str
    path: str
    what: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.path, self.what) if part)


class SettingsError(UsageError):
    """Settings that cannot be used. ``str`` has one line per problem."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """Settings, and the file and line or the variable of each setting that is not at its default."""

    settings: S
    origins: dict[SettingPath, str]


def load(group: type[S], path: Path | None, environ: Mapping[str, str]) -> Loaded[S]:
    """Settings from a file, overridden by the environment. Raises SettingsError that names every problem."""
    document = read(path) if path else Document("")
    data, variables, misspelt = overlay(group, document.data, environ)
    reader = _Reader(document, variables)
    reader.problems += [Problem(name, "", what) for name, what in misspelt]
    for twice in document.repeated:
        reader.report(twice, "is given twice in this group; keep one")
    settings = reader.group(group, data, ())
    if reader.problems:
        raise SettingsError(reader.problems)
    return Loaded(cast(S, settings), reader.origins)


def load_part(group: type[S], path: Path) -> tuple[S, dict[str, Any]]:
    """The settings of a group from a file of a larger one, and the whole file as plain data.

    Nothing else in the file is checked, and no secret that it names is read. Raises SettingsError.
    """
    document = read(path)
    known = {key for setting in settings_of(group) for key in setting.keys}
    reader = _Reader(document, {})
    settings = reader.group(group, {key: value for key, value in document.data.items() if key in known}, ())
    if reader.problems:
        raise SettingsError(reader.problems)
    return cast(S, settings), document.data


@dataclass(slots=True)
class _Reader:
    document: Document
    variables: dict[SettingPath, str]
    problems: list[Problem] = field(default_factory=list)
    origins: dict[SettingPath, str] = field(default_factory=dict)

    def report(self, path: SettingPath, what: str) -> object:
        self.problems.append(Problem(self.origin(path), redact(path_text(path)), what))
        return BAD

    def origin(self, path: SettingPath) -> str:
        return self.variables.get(path) or self.document.place(path)

    def group(self, group: type[Settings], data: Any, path: SettingPath) -> Any:
        """A group with its settings, or BAD."""
        data = {} if data is None else data
        if not isinstance(data, dict):
            return self.report(path, f"got {_kind(data)}; expected settings as 'name: value' lines")
        settings = settings_of(group)
        known = [key for setting in settings for key in setting.keys]
        unknown = [key for key in data if key not in known]
        for key in unknown:
            self.report((*path, key), f"there is no such setting; {_hint(key, known, at_top=not path)}")
        values = {setting.attribute: self.setting(setting, data, path) for setting in settings}
        if unknown or BAD in values.values():
            return BAD
        made = group(**values)
        wrong = [self.report((*path, *inside), what) for inside, what in made.check()]
        return BAD if wrong else made

    def setting(self, setting: Setting, data: dict[str, Any], path: SettingPath) -> Any:
        """The value of one setting, its default if it is not given, or BAD."""
        given = {key: data[key] for key in setting.keys if data.get(key) is not None}
        if len(given) > 1:
            return self.report((*path, setting.key), f"{' and '.join(given)} are both given; give only one of them")
        if setting.kind == "group" and setting.default is None and not given:
            return None  # an optional group that is not there, which is not one with all defaults
        if setting.group and setting.kind == "group":
            return self.group(setting.group, data.get(setting.key), (*path, setting.key))
        if not given and setting.default is not REQUIRED:
            return setting.default
        if not given:
            wanted = f"missing; give {' or '.join(setting.keys)}"
            form = f", such as {_example(setting)}" if setting.kind == "list" else ""
            return self.report((*path, setting.key), wanted + form if setting.group else f"{wanted}: {setting.allowed}")
        ((key, value),) = given.items()
        here = (*path, key)
        if setting.group is None:
            self.origins[*path, setting.key] = self.origin(here)
        if setting.group:
            return self.items(setting.group, setting.kind, value, here)
        if setting.kind == "secret":
            return self.secret(value, here, from_file=key == twin(setting.key))
        return self.value(setting, value, here)

    def items(self, group: type[Settings], kind: str, value: Any, path: SettingPath) -> Any:
        """A list or map of groups, or BAD."""
        if kind == "list" and isinstance(value, list):
            made = [self.group(group, item, (*path, index)) for index, item in enumerate(value)]
            return BAD if BAD in made else made
        if kind == "map" and isinstance(value, dict):
            named = {name: self.group(group, item, (*path, name)) for name, item in value.items()}
            return BAD if BAD in named.values() else named
        return self.report(path, f"got {_kind(value)}; expected a {kind} of settings")

    def secret(self, value: Any, path: SettingPath, *, from_file: bool) -> Any:
        """A secret that can be revealed, or BAD. Its value is in no message."""
        if not isinstance(value, str):
            return self.report(path, f"got {_kind(value)} (not shown); expected text, perhaps in quotes")
        secret = Secret.in_file(Path(value)) if from_file else Secret(value)
        try:
            secret.reveal()
        except UsageError as error:
            return self.report(path, str(error))
        return secret

    def value(self, setting: Setting, value: Any, path: SettingPath) -> Any:
        """A single value within its limits, or BAD."""
        if isinstance(value, str):
            value = next((word for word in setting.words if word.lower() == value.lower()), value)
        try:
            made = msgspec.convert(value, setting.type)
        except msgspec.ValidationError:
            quotes = " (in quotes)" if setting.is_text and not isinstance(value, str) else ""
            return self.report(path, f"got {_shown(value)}; allowed: {setting.allowed}{quotes}")
        if isinstance(made, float) and not math.isfinite(made):
            return self.report(path, f"got {_shown(value)}; allowed: {setting.allowed}")
        return made


def _hint(key: str, known: list[str], *, at_top: bool) -> str:
    """The remedy for a setting that does not exist: at the top of a file, it may belong to another process."""
    from leadline.settings.processes import PROCESSES  # loads the settings of every process

    owners = [name for name, group in PROCESSES.items() if any(key in each.keys for each in settings_of(group))]
    if at_top and owners:
        return f"{key} belongs to `leadline {owners[0]}`"
    near = get_close_matches(key, known, 1)
    return f"did you mean {near[0]}?" if near else f"allowed here: {', '.join(known)}"


def _example(setting: Setting) -> str:
    """An item of a list of groups, with the settings that it must have, as YAML in one line."""
    assert setting.group is not None
    needed = [each for each in settings_of(setting.group) if each.default is REQUIRED]
    return f"- {{{', '.join(f'{each.key}: {each.example}' for each in needed)}}}"


def _shown(value: Any) -> str:
    text = redact(value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value))
    text = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
    return repr(text) if isinstance(value, str) else text


def _kind(value: Any) -> str:
    match value:
        case dict():
            return "a group of settings"
        case list():
            return "a list"
        case str():
            return "text"
        case bool() | None:
            return "true or false" if value is not None else "nothing"
        case int() | float():
            return "a number"
    return f"a {type(value).__name__}"
