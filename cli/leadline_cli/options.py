"""What several commands take, and how a long-running one begins."""

import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from leadline import logs
from leadline.errors import UsageError
from leadline.settings.agent import AgentSettings
from leadline.settings.load import load
from leadline.settings.sink import SinkSettings
from leadline.settings.stream import StreamSettings

S = TypeVar("S", AgentSettings, StreamSettings, SinkSettings)
F = TypeVar("F", bound=Callable[..., Any])

config_option: Callable[[F], F] = click.option(
    "-c",
    "--config",
    "config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of settings; LEADLINE_* variables win over it.",
)
format_option: Callable[[F], F] = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="text for people, json for programs: one object a line.",
    show_default=True,
)


by_option: Callable[[F], F] = click.option(
    "--by", metavar="NAME", help="Who does it; without it, who is logged in.", show_default=False
)


def user() -> str:
    """Who is logged in. Raises UsageError where nobody knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise UsageError("who does it? say --by NAME") from None


def settings(group: type[S], config: Path | None) -> S:
    """The settings from a file and the environment. Raises SettingsError."""
    return load(group, config, os.environ).settings


def begin(group: type[S], config: Path | None) -> S:
    """The settings of a process that runs from now on; its log is open."""
    loaded = settings(group, config)
    logs.start(loaded.log)
    return loaded
