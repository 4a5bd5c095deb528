"""The process log on standard error, and foreign text made safe to print.

Text from servers, queries and records may contain line breaks that forge a log line, escape sequences that repaint a
terminal, or marks that reverse the direction of reading.
"""

import logging
import sys
from traceback import format_exception
from types import TracebackType
from typing import Any, Final, TextIO

import orjson

from leadline.clock import moment
from leadline.redaction.redact import redact
from leadline.settings.common import LogSettings
from leadline.wire import timestamp

MAX_TEXT: Final = 2000
"""Longer foreign text is cut. The longest of ours, a query, is cut by the agent long before."""
PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""Attributes of every log record; any other was given as ``extra``."""


def escape(text: str, limit: int = MAX_TEXT) -> str:
    """Foreign text on one line, with unprintable characters escaped, cut at ``limit`` characters."""
    cut = len(text) > limit
    text = text[:limit]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text + "…" if cut else text


class TextFormatter(logging.Formatter):
    """``name=value`` pairs on one line. A traceback follows on further lines."""

    def format(self, record: logging.LogRecord) -> str:
        """The text of one log record."""
        line = " ".join(f"{name}={_quoted(_text(value))}" for name, value in _fields(record).items())
        return "\n".join([line, *(f"  {text}" for text in _traceback(record))])


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """The text of one log record."""
        fields = {
            name: value if value is None or isinstance(value, bool | int | float) else escape(_text(value))
            for name, value in _fields(record).items()
        }
        traceback = _traceback(record)
        return orjson.dumps(fields | ({"traceback": traceback} if traceback else {})).decode()


FORMATTERS: Final = {"text": TextFormatter, "json": JsonFormatter}
QUIET: Final = {"aiokafka": logging.CRITICAL, "faust": logging.WARNING, "mode": logging.WARNING}
"""aiokafka repeats each failed connection at level error; its callers report it once, with what to do."""
SECRETIVE: Final = {"aiokafka.conn": logging.INFO}
"""Loggers that write every request, those of a login too, with its password or token; also where all else is wanted."""


def start(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Write the process log to ``stream``, by default standard error. An earlier configuration is replaced.

    From then on the traceback of an error that ends the process has no secrets.
    """
    sys.excepthook = _unexpected
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(FORMATTERS[settings.format]())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(logging.NOTSET if settings.level == "debug" else level)
    for name, level in SECRETIVE.items():
        logging.getLogger(name).setLevel(level if settings.level == "debug" else logging.NOTSET)


def shown_traceback(text: str) -> list[str]:
    """The lines of a traceback without secrets: masked as a whole, since a secret may have several lines."""
    return [escape(line) for line in redact(text).splitlines()]


def _unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show the error that ends the process, without secrets, in place of Python's own traceback."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        sys.stderr.writelines(f"{line}\n" for line in shown_traceback("".join(format_exception(error))))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = {
        "time": timestamp(moment(record.created)),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
    }
    fields |= {name: value for name, value in vars(record).items() if name not in PLAIN}
    error = record.exc_info[1] if record.exc_info else None
    return fields | ({"error": f"{type(error).__name__}: {error}"} if error else {})


def _traceback(record: logging.LogRecord) -> list[str]:
    """Lines of the traceback at level debug; else none."""
    if not record.exc_info or not logging.getLogger().isEnabledFor(logging.DEBUG):
        return []
    return shown_traceback(logging.Formatter().formatException(record.exc_info))


def _text(value: object) -> str:
    return redact(str(value))


def _quoted(text: str) -> str:
    if text and text.isprintable() and not any(c in text for c in ' "=\\'):
        return escape(text)
    return '"' + escape(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'
