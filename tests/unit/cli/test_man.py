"""The manual pages: one for each command."""

import re

from leadline_cli.man import pages
from leadline_cli.reference import reference

MADE = pages()


def test_every_command_has_one() -> None:
    """Each of the page of commands, and each group."""
    commands = {line.strip("`# ") for line in re.findall(r"^### .*$", reference(), re.MULTILINE)}
    groups = {name.rpartition(" ")[0] for name in commands} - commands
    assert {file.removesuffix(".1") for file in MADE} == {name.replace(" ", "-") for name in commands | groups}


def test_they_say_what_the_help_says() -> None:
    """Synopsis, options, example and exit codes."""
    page = MADE["leadline-check.1"]
    assert "leadline check [OPTIONS] [NAME=]DSN..." in page.replace("\\-", "-")
    assert ".TP\n\\fB\\-\\-nagios\\fR\n" in page
    assert "\n.nf\nExample:\n  leadline check pg\\-1='host=10.0.0.1" in page
    assert "something needed does not answer" in page
    assert "\\fBleadline\\-check\\fR(1)" in MADE["leadline.1"]
