"""Example settings files: every setting with its help; settings with a default are commented out.

``python -m leadline.settings.example DIRECTORY`` writes one for each process.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from leadline.settings.declare import REQUIRED, Setting, Settings, settings_of
from leadline.settings.processes import PROCESSES

_WIDTH = 100


def example(process: str) -> str:
    """The file of one process. It can be loaded; servers and other names in it are invented."""
    head = [
        f"# Settings of `leadline {process}`: {PROCESSES[process].__doc__}",
        "#",
        "# A setting that is commented out shows its default, or an example if it has none. `leadline config check`",
        "# lists the problems of a file. Environment variables override it. A secret may be in a file of its own:",
        "# set dsn_file instead of dsn, and so on.",
        "",
    ]
    return "\n".join([*head, *_group(PROCESSES[process], "", commented=False)]).rstrip() + "\n"


def _group(group: type[Settings], indent: str, *, commented: bool) -> Iterator[str]:
    for setting in settings_of(group):
        yield from _setting(setting, indent, commented=commented)
        if not indent:
            yield ""


def _setting(setting: Setting, indent: str, *, commented: bool) -> Iterator[str]:
    yield from _help(setting, indent)
    off = commented or (setting.default is not REQUIRED and setting.kind != "group")
    mark = f"{indent}# " if off else indent
    inside = f"{indent}  "
    if setting.group is None:
        yield f"{mark}{setting.key}: {_value(setting)}"
        return
    yield f"{mark}{setting.key}:"
    if setting.kind == "group":
        yield from _group(setting.group, inside, commented=commented)
        return
    item = list(_group(setting.group, f"{inside}  ", commented=off))
    if setting.kind == "map":
        yield f"{inside}# name:" if off else f"{inside}name:"
        yield from item
    else:
        yield f"{inside}# -" if off else f"{inside}-"
        yield from item


def _help(setting: Setting, indent: str) -> Iterator[str]:
    plain = setting.group or setting.kind == "secret" or setting.allowed.startswith(("text", "a list of", "names"))
    allowed = "" if plain else f" Allowed: {setting.allowed}."
    line = f"{indent}#"
    for word in f"{setting.help}{allowed}".split():
        if len(line) + len(word) >= _WIDTH:
            yield line
            line = f"{indent}#"
        line += f" {word}"
    yield line


def _value(setting: Setting) -> str:
    unset = setting.default is REQUIRED or not (setting.default or setting.default == 0)
    value: Any = setting.example if unset and setting.example is not None else setting.default
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


if __name__ == "__main__":
    for name in PROCESSES:
        (Path(sys.argv[1]) / f"{name}.yaml").write_text(example(name))
