"""``leadline incidents``: the group, and the commands in it."""

import click

from leadline_cli.incidents.actions import ack_, note_
from leadline_cli.incidents.following import follow_
from leadline_cli.incidents.history import export_, show_
from leadline_cli.incidents.listing import list_
from leadline_cli.incidents.upkeep import migrate_, verify_


@click.group()
def command() -> None:
    """List, follow, show and export incidents; acknowledge them and add notes.

    \b
    Example:
      leadline incidents list -c sink.yaml --state open
    """


for _each in (list_, follow_, show_, ack_, note_, export_, verify_, migrate_):
    command.add_command(_each)
