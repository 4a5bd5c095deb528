"""``leadline config``."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from leadline.settings.declare import path_text
from leadline.settings.load import Loaded, SettingsError, load
from leadline.settings.plain import effective
from leadline.settings.processes import PROCESSES, recognize, to_json_schema
from leadline.settings.sink import SinkSettings
from leadline.settings.stream import StreamSettings
from leadline_cli.options import config_option, format_option, settings
from leadline_cli.output import emit, table

F = TypeVar("F", bound=Callable[..., Any])
process_option: Callable[[F], F] = click.option(
    "--process",
    "process",
    type=click.Choice(list(PROCESSES)),
    help="The process of these settings; by default the best match.",
)


@click.group()
def command() -> None:
    """Check settings, and show the values in effect.

    \b
    Example:
      leadline config check -c agent.yaml
    """


@command.command()
@config_option
@process_option
@format_option
def check(config: Path | None, process: str | None, form: str) -> None:
    """List every problem in settings. Exit code 2 when there is one.

    Files that hold secrets must be readable, and templates must give what they should for sample incidents. Nothing
    else outside of the settings is checked; see `leadline doctor`.

    \b
    Example:
      leadline config check -c agent.yaml
    """
    process = process or recognize(config, os.environ)
    try:
        load_for(process, config)
    except SettingsError as error:
        if form == "json":
            for problem in error.problems:
                emit({"where": problem.where, "setting": problem.path, "problem": problem.what})
        raise
    if form == "text":
        click.echo(f"{config or 'the environment'}: settings of `leadline {process}`, no problem found")


@command.command()
@config_option
@process_option
@format_option
def show(config: Path | None, process: str | None, form: str) -> None:
    """Show the value of every setting, and its origin.

    The origin is a file and line, an environment variable, or the default. Secrets are masked.

    \b
    Example:
      leadline config show -c agent.yaml
    """
    found = list(effective(load_for(process, config)))
    if form == "json":
        for path, value, origin in found:
            emit({"setting": path_text(path), "value": value, "from": origin})
    else:
        table(("setting", "value", "from"), [(path_text(path), _shown(value), origin) for path, value, origin in found])


@command.command()
@click.option(
    "--process",
    "process",
    type=click.Choice(list(PROCESSES)),
    required=True,
    help="The process of the settings.",
)
def schema(process: str) -> None:
    """Print the JSON Schema of a settings file, for editors.

    \b
    Example:
      leadline config schema --process agent > agent.schema.json
    """
    click.echo(orjson.dumps(to_json_schema(PROCESSES[process]), option=orjson.OPT_INDENT_2))


@command.command()
@click.argument("target", required=False)
@config_option
@format_option
def render(target: str | None, config: Path | None, form: str) -> None:
    """Print what the templates of a sink's targets give for sample incidents, and send nothing.

    \b
    Example:
      leadline config render chat -c sink.yaml
    """
    from leadline_sinks.template.trial import tried

    found = list(tried(settings(SinkSettings, config), target))
    for each in found:
        if form == "json":
            emit({"target": each.target, "sample": each.sample, "body": each.body})
        else:
            click.echo(f"{each.target}, {each.sample}:\n{each.body or 'nothing is sent'}\n")


def load_for(process: str | None, config: Path | None) -> Loaded[Any]:
    """The settings of a process; by default of the best match. Raises SettingsError, also for unknown rules."""
    loaded: Loaded[Any] = load(PROCESSES[process or recognize(config, os.environ)], config, os.environ)
    if isinstance(loaded.settings, StreamSettings):
        from leadline_streams.rule_settings import check_rules

        check_rules(loaded.settings)
    if isinstance(loaded.settings, SinkSettings) and loaded.settings.has_template:
        from leadline_sinks.template.trial import tried

        list(tried(loaded.settings))
    return loaded


def _shown(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
