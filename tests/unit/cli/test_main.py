"""The entry point: lazy commands, and every error as one line and the right exit code."""

from collections.abc import Callable
from importlib import import_module
from inspect import cleandoc
from io import BytesIO, TextIOWrapper

import click
import pytest

from leadline import __version__
from leadline.errors import LeadlineError, ProblemFound, UnreachableError, UsageError
from leadline_cli.main import COMMANDS, EXTRAS, main
from tests.fixtures.commands import Run

ALL = [(name, text) for section in COMMANDS.values() for name, text in section.items()]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make `leadline version` raise."""

    def install(error: BaseException) -> None:
        @click.command()
        def command() -> None:
            raise error

        monkeypatch.setattr("leadline_cli.version.command", command)

    return install


@pytest.mark.parametrize(("name", "text"), ALL)
def test_the_table_has_each_commands_own_help(name: str, text: str) -> None:
    """`leadline --help` shows the first sentence of each command's own help."""
    assert import_module(f"leadline_cli.{name.replace('-', '_')}").command.get_short_help_str(200) == text


def with_subcommands(command: click.Command) -> list[click.Command]:
    inner = list(command.commands.values()) if isinstance(command, click.Group) else []
    return [command, *(found for each in inner for found in with_subcommands(each))]


@pytest.mark.parametrize("name", [name for name, _ in ALL])
def test_each_command_shows_an_example(name: str) -> None:
    """The help of each command and group has an example that fits into 80 columns and can be copied."""
    for command in with_subcommands(import_module(f"leadline_cli.{name.replace('-', '_')}").command):
        example = cleandoc(command.help or "").partition("\b\nExample:\n")[2]
        assert example.startswith(f"  leadline {name}")
        assert all(len(line) <= 78 for line in example.splitlines())


def test_help_names_each_command(run: Run) -> None:
    """`leadline --help` lists the table; so does no argument at all, as wrong use."""
    result = run("--help")
    assert (result.code, result.err) == (0, "")
    listed = " ".join(result.out.split())
    assert all(f"{name} {text}" in listed for name, text in ALL)
    assert run().code == 2


def test_the_version(run: Run) -> None:
    """One line; `leadline version` lists the libraries as well."""
    result = run("--version")
    assert (result.code, result.out, result.err) == (0, f"leadline {__version__}\n", "")


def test_a_shell_completes_commands(
    run: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As the script that `docs/how-to/install.md` loads asks for them."""
    for name, value in {"_LEADLINE_COMPLETE": "bash_complete", "COMP_WORDS": "leadline si", "COMP_CWORD": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        run()
    assert (ended.value.code, capfd.readouterr().out) == (0, "plain,sink\nplain,silence\n")


def test_an_unknown_command(run: Run) -> None:
    """For a misspelt command, the nearest one is proposed."""
    result = run("topcs")
    assert (result.code, result.out) == (2, "")
    assert "there is no command 'topcs'; did you mean topics?" in result.err


@pytest.mark.parametrize("error", [UsageError, UnreachableError, ProblemFound])
def test_our_errors(run: Run, failing: Callable[[BaseException], None], error: type[LeadlineError]) -> None:
    """One line on standard error, and the exit code of the error."""
    failing(error("pg-1\x1b[2J: password=hunter2 is wrong"))
    result = run("version")
    assert (result.code, result.out) == (error.exit_code, "")
    assert result.err == "leadline: pg-1\\x1b[2J: password=*** is wrong\n"


def test_several_problems(run: Run, failing: Callable[[BaseException], None]) -> None:
    """Several problems are counted, and each has its line."""
    failing(UsageError("a: wrong\nb: wrong"))
    assert run("version").err == "leadline: 2 problems:\n  a: wrong\n  b: wrong\n"


def test_an_unexpected_error(run: Run, failing: Callable[[BaseException], None]) -> None:
    """A bug is one line that names --debug; with it, anywhere on the line, the traceback is shown."""
    failing(ZeroDivisionError("division by zero"))
    result = run("version")
    assert result.code == 1
    assert result.err == (
        "leadline: unexpected ZeroDivisionError: division by zero; "
        "run the command again with --debug, and report the traceback\n"
    )
    assert "Traceback" in run("version", "--debug").err


@pytest.mark.parametrize("error", [UsageError, ValueError])
def test_a_traceback_for_a_report_has_no_secrets(
    run: Run, failing: Callable[[BaseException], None], error: type[Exception]
) -> None:
    """Neither in its last line nor in the lines of a key."""
    failing(
        error("no route to postgresql://u:hunter2@h\n-----BEGIN PRIVATE KEY-----\nhunter2Zq\n-----END PRIVATE KEY-----")
    )
    shown = run("version", "--debug").err
    assert "Traceback" in shown
    assert "postgresql://u:***@h" in shown
    assert "hunter2" not in shown


def test_a_wrong_use_shows_no_secret(run: Run) -> None:
    """The words of a command line that is misspelt may be connection strings."""
    for words in (
        ["chekc", "postgresql://u:hunter2@h"],
        ["postgresql://u:hunter2@h"],
        ["version", "postgresql://u:hunter2@h"],
    ):
        result = run(*words)
        assert result.code == 2
        assert "hunter2" not in result.err + result.out


@pytest.mark.parametrize(("module", "extra"), EXTRAS.items())
def test_a_missing_extra(run: Run, failing: Callable[[BaseException], None], module: str, extra: str) -> None:
    """A part that is not installed is named with what to run."""
    failing(ModuleNotFoundError(f"No module named '{module}.x'", name=f"{module}.x"))
    result = run("version")
    assert result.code == 2
    assert f"pip install 'leadline[{extra}]'" in result.err
    assert "Traceback" not in result.err


def test_a_missing_module_of_ours_is_a_bug(run: Run, failing: Callable[[BaseException], None]) -> None:
    """Only parts of the extras are taken for something that can be installed."""
    failing(ModuleNotFoundError("No module named 'leadline.x'", name="leadline.x"))
    assert run("version").code == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BrokenPipeError()])
def test_interrupted(run: Run, failing: Callable[[BaseException], None], error: BaseException) -> None:
    """Ctrl-C, and a reader that leaves, end a command without a word."""
    failing(error)
    result = run("version")
    assert (result.code, result.err.strip()) == (130, "")


def test_a_character_that_the_encoding_lacks_ends_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A locale such as de_DE.ISO-8859-1 has no arrow, and Python raises where one is printed."""

    @click.command()
    def command() -> None:
        click.echo("pg-1 → pg-2")

    written = BytesIO()
    monkeypatch.setattr("leadline_cli.version.command", command)
    monkeypatch.setattr("sys.stdout", TextIOWrapper(written, encoding="latin-1"))
    assert main(["version"]) == 0
    assert b"pg-1 \\u2192 pg-2" in written.getvalue()
