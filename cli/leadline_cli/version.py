"""``leadline version``."""

import platform
from importlib.metadata import PackageNotFoundError, version

import click

from leadline import __version__
from leadline_cli.options import format_option
from leadline_cli.output import emit

PARTS = ("aiokafka", "psycopg", "msgspec", "faust-streaming", "httpx", "confluent-kafka")


@click.command()
@format_option
def command(form: str) -> None:
    """Show the versions of Leadline and its libraries.

    \b
    Example:
      leadline version --format json
    """
    found = {"leadline": __version__, "python": platform.python_version(), "platform": platform.platform()}
    found |= {name: _version(name) for name in PARTS}
    if form == "json":
        emit(found)
    else:
        click.echo("\n".join(f"{name} {value}" for name, value in found.items()))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
