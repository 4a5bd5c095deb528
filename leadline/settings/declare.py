"""What a setting is: one annotated field of a ``Settings`` class.

The annotation is the only declaration: its type and ``Meta`` constraints are what is allowed, ``Meta.description`` is
the help, the field's default is the default. ``Meta(extra={"allowed": ...})`` says in words what a pattern means.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import inspect

from leadline.settings.secret import Secret

SettingPath = tuple[str | int, ...]
"""The way to a setting: keys of groups and positions in lists."""
Kind = Literal["value", "secret", "group", "list", "map"]
REQUIRED: Final = msgspec.NODEFAULT


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all groups of settings: frozen, and unknown keys are errors."""

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Yield (path inside this group, what is wrong) for what the type of one setting cannot tell."""
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
    """What a group, or each item of a list or map of groups, is made of."""
    help: str
    allowed: str
    """What it may be, in words."""
    example: Any
    """A value that shows its form, where the default does not; None where there is no need."""
    words: tuple[str, ...]
    """The words it may be, when its type lists them."""
    is_text: bool
    """Whether its value is text; else an environment variable holds it as YAML."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The names it may have in the file: a secret may be given as a file instead."""
        return (self.key, twin(self.key)) if self.kind == "secret" else (self.key,)


def twin(key: str) -> str:
    """The key under which the file of a secret is given."""
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
    """Every single setting under a group; ``<n>`` and ``<name>`` stand for the items of lists and maps."""
    for setting in settings_of(group):
        here = (*path, setting.key, *{"list": ("<n>",), "map": ("<name>",)}.get(setting.kind, ()))
        if setting.group:
            yield from leaves(setting.group, here)
        else:
            yield here, setting


def _setting(field: msgspec.structs.FieldInfo) -> Setting:
    inner, meta = _unwrap(inspect.type_info(field.type))
    kind, group = _kind(inner)
    # As they are declared; msgspec sorts them.
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
