"""Declaration of settings: each is one annotated field of a ``Settings`` class.

The annotation is the only declaration: its type and ``Meta`` constraints are the allowed values, ``Meta.description``
is the help, the field's default is the default. ``Meta(extra={"allowed": ...})`` is the meaning of a pattern in words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import inspect

from leadline.settings.secret import Secret

SettingPath = tuple[str | int, ...]
"""The path of a setting: keys of groups and positions in lists."""
Kind = Literal["value", "secret", "group", "list", "map"]
REQUIRED: Final = msgspec.NODEFAULT


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all groups of settings: frozen, and unknown keys are errors."""

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Yield (path inside this group, problem) for each problem that the types do not exclude."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a group, as declared."""

    attribute: str
    key: str
    """Its name in the file."""
    type: Any
    default: Any
    kind: Kind
    group: type[Settings] | None
    """The class of a group, or of each item of a list or map of groups."""
    help: str
    allowed: str
    """The allowed values, in words."""
    example: Any
    """A value that shows the form, if the default does not; else None."""
    words: tuple[str, ...]
    """The allowed words, if its type lists them."""
    is_text: bool
    """Whether its value is text. Otherwise an environment variable has it as YAML."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Its names in the file. A secret has a second one, for the name of a file that holds it."""
        return (self.key, twin(self.key)) if self.kind == "secret" else (self.key,)


def twin(key: str) -> str:
    """The key for the file that holds a secret."""
    return f"{key}_file"


def path_text(path: SettingPath) -> str:
    """``("instances", 1, "dsn")`` as ``instances[1].dsn``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


@cache
def settings_of(group: type[Settings]) -> tuple[Setting, ...]:
    """The settings of a group, in the order of their declaration."""
    return tuple(_setting(field) for field in msgspec.structs.fields(group))


def groups(group: type[Settings]) -> set[type[Settings]]:
    """A group and all groups inside it."""
    inner = {setting.group for setting in settings_of(group) if setting.group}
    return {group}.union(*map(groups, inner))


def leaves(group: type[Settings], path: SettingPath = ()) -> Iterator[tuple[SettingPath, Setting]]:
    """Every setting under a group that is no group itself; ``<n>`` and ``<name>`` stand for items of lists and maps."""
    for setting in settings_of(group):
        here = (*path, setting.key, *{"list": ("<n>",), "map": ("<name>",)}.get(setting.kind, ()))
        if setting.group:
            yield from leaves(setting.group, here)
        else:
            yield here, setting


def _setting(field: msgspec.structs.FieldInfo) -> Setting:
    inner, meta = _unwrap(inspect.type_info(field.type))
    kind, group = _kind(inner)
    # In the order of declaration; msgspec sorts them.
    words = get_args(get_args(field.type)[0]) if isinstance(inner, inspect.LiteralType) else ()
    return Setting(
        attribute=field.name,
        key=field.encode_name,
        type=field.type,
        default=field.default_factory() if field.default_factory is not REQUIRED else field.default,
        kind=kind,
        group=group,
        help=meta.get("description") or (group.__doc__ or "" if group else ""),
        allowed=meta.get("allowed") or (f"one of {', '.join(words)}" if words else _in_words(inner)),
        example=next(iter(meta.get("examples", ())), None),
        words=words,
        is_text=kind == "secret" or isinstance(inner, inspect.StrType | inspect.LiteralType),
    )


def _unwrap(info: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    """The type itself, without ``None``, and its description and ``extra``."""
    meta: dict[str, Any] = {}
    while True:
        match info:
            case inspect.Metadata(type=inner, extra_json_schema=schema, extra=extra):
                info, meta = inner, (schema or {}) | (extra or {}) | meta
            case inspect.UnionType(types=types):
                (info,) = (t for t in types if not isinstance(t, inspect.NoneType))
            case _:
                return info, meta


def _kind(info: inspect.Type) -> tuple[Kind, type[Settings] | None]:
    match info:
        case inspect.StructType(cls=group) if issubclass(group, Settings):
            return "group", group
        case inspect.ListType(item_type=inspect.StructType(cls=group)) if issubclass(group, Settings):
            return "list", group
        case inspect.DictType(value_type=inspect.StructType(cls=group)) if issubclass(group, Settings):
            return "map", group
        case inspect.CustomType(cls=cls) if cls is Secret:
            return "secret", None
    return "value", None


def _in_words(info: inspect.Type) -> str:
    match _unwrap(info)[0]:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType() as number:
            return "a whole number" + _range(number)
        case inspect.FloatType() as number:
            return "a number" + _range(number)
        case inspect.StrType(min_length=least, max_length=most):
            return f"text of {least or 0} to {most} characters" if most else "text, not empty" if least else "text"
        case inspect.CustomType():
            return "text"
        case inspect.ListType(item_type=item, min_length=least):
            return f"a list of {'at least one ' if least else ''}{_in_words(item)}"
        case inspect.DictType(value_type=item):
            return f"names, each with {_in_words(item)}"
        case inspect.StructType():
            return "settings"
    raise TypeError(f"a setting cannot be {info}")


def _range(number: inspect.IntType | inspect.FloatType) -> str:
    low, high = number.ge, number.le
    if low is not None and high is not None:
        return f" from {low} to {high}"
    bounds = {"above": number.gt, "at least": low, "below": number.lt, "at most": high}
    found = [f"{word} {bound}" for word, bound in bounds.items() if bound is not None]
    return ", " + " and ".join(found) if found else ""
