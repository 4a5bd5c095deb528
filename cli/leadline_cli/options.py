"""Options that several commands share, their settings, and the start of a long-running command."""

import getpass
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from leadline import logs
from leadline.errors import UsageError
from leadline.settings.load import load

if TYPE_CHECKING:  # a process loads the settings of its own kind only
    from leadline.settings.agent import AgentSettings
    from leadline.settings.sink import SinkSettings
    from leadline.settings.stream import StreamSettings
    from leadline.settings.verify import VerifySettings
    from leadline.settings.web_console import WebConsoleSettings

S = TypeVar("S", "AgentSettings", "StreamSettings", "SinkSettings", "VerifySettings", "WebConsoleSettings")
F = TypeVar("F", bound=Callable[..., Any])

config_option: Callable[[F], F] = click.option(
    "-c",
    "--config",
    "config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file; LEADLINE_* variables override it.",
)
format_option: Callable[[F], F] = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="text for people; json for programs, one object per line.",
    show_default=True,
)


cluster_option: Callable[[F], F] = click.option(
    "--cluster", metavar="NAME", default="main", show_default=True, help="Name for the cluster of these servers."
)
judged_option: Callable[[F], F] = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file with judgement, rules and overrides.",
)
by_option: Callable[[F], F] = click.option(
    "--by", metavar="NAME", help="Your name; by default the login name.", show_default=False
)

_DURATION: Final = re.compile(r"(\d{1,6})([mhd])").fullmatch
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def parse_duration(text: str) -> timedelta | None:
    """The duration that a text such as ``90m``, ``12h`` or ``7d`` means; None for any other text."""
    found = _DURATION(text)
    return int(found[1]) * _UNITS[found[2]] if found else None


def user() -> str:
    """The login name of the user. Raises UsageError when there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise UsageError("this user has no login name; give --by NAME") from None


def settings(group: type[S], config: Path | None) -> S:
    """The settings from a file and the environment. Raises SettingsError."""
    return load(group, config, os.environ).settings


def begin(group: type[S], config: Path | None) -> S:
    """The settings of a long-running process. Starts its process log."""
    loaded = settings(group, config)
    logs.start(loaded.log)
    return loaded
