"""The page of settings. ``python -m leadline.settings.reference > docs/reference/settings.md`` writes it."""

import sys
from collections.abc import Iterator
from typing import Any

from leadline.settings.declare import REQUIRED, Setting, SettingPath, leaves, path_text, settings_of
from leadline.settings.environment import variable
from leadline.settings.processes import PROCESSES

_HEAD = """\
# Settings

<!-- Made from leadline/settings/ by `python -m leadline.settings.reference`; a test holds it current. -->

Each process reads one YAML file, given with `-c`. Environment variables override the file; an empty variable counts as
not set. A variable has text as it is, and any other value as YAML: `true`, `2.5`, `{team: payments}`. Fixed words may
be in upper or lower case.

A secret may be in a file of its own: set `dsn_file` instead of `dsn`, or `LEADLINE_..._FILE` instead of `LEADLINE_...`.
Only one of the two may be set. The file is read at each use, so that a rotated secret is picked up; a newline at its
end is ignored.

`leadline config check` lists all problems of a file, `leadline config show` prints every value with its origin, and
`leadline config schema` prints a JSON Schema for editors.
"""


def reference() -> str:
    """The page in Markdown."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    yield _HEAD
    first, *others = PROCESSES.values()
    shared = [s for s in settings_of(first) if s.group and all(s in settings_of(other) for other in others)]
    yield "## Every process\n"
    for setting in shared:
        yield from _group(setting)
    for name, group in PROCESSES.items():
        yield f"## `leadline {name}`\n\n{group.__doc__}\n"
        yield from _table([((s.key,), s) for s in settings_of(group) if s.group is None])
        for setting in settings_of(group):
            if setting.group and setting not in shared:
                yield from _group(setting)


def _group(setting: Setting) -> Iterator[str]:
    assert setting.group
    item = {"list": ("<n>",), "map": ("<name>",)}.get(setting.kind, ())
    yield f"### `{setting.key}`\n\n{setting.help}\n"
    yield from _table(list(leaves(setting.group, (setting.key, *item))))


def _table(rows: list[tuple[SettingPath, Setting]]) -> Iterator[str]:
    yield "| setting | meaning | allowed | default |"
    yield "|---|---|---|---|"
    for path, setting in rows:
        file, file_variable = (", `…_file`", ", `…_FILE`") if setting.kind == "secret" else ("", "")
        name = path_text(path).replace(".<n>", "[n]")
        yield (
            f"| `{name}`{file}<br>`{variable(path)}`{file_variable} "
            f"| {setting.help} | {setting.allowed} | {_default(setting.default)} |"
        )
    yield ""


def _default(value: Any) -> str:
    if value is REQUIRED:
        return "required"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`" if value or value == 0 else "none"


if __name__ == "__main__":
    sys.stdout.write(reference())
