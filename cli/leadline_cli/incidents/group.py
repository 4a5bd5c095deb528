"""``leadline incidents``: the group, and the commands in it."""

import click

from leadline_cli.incidents import actions, history, listing, upkeep


@click.group()
def command() -> None:
    """List, show and export incidents; acknowledge them and add notes.

    \b
    Example:
      leadline incidents list -c sink.yaml --state open
    """


for _each in (
    listing.list_,
    history.show_,
    actions.ack_,
    actions.note_,
    history.export_,
    upkeep.verify_,
    upkeep.migrate_,
):
    command.add_command(_each)
