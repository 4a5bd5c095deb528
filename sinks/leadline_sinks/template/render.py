"""A notification through a template of Jinja, in its sandbox: a template reads what it is given, and nothing else."""

from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from leadline.errors import UsageError
from leadline.headline import first_line
from leadline.logs import escape
from leadline.settings.routing import NotifySettings
from leadline.settings.template_target import TemplateSettings
from leadline.wire import encode
from leadline_sinks.console_links import incident_url
from leadline_sinks.message_parts import lead, parts, status
from leadline_sinks.notify.sink import Notification
from leadline_sinks.runbook import runbook_url

MAX_TEMPLATE_BYTES: Final = 256 * 1024
MAX_CHARACTERS: Final = 256 * 1024
"""Of a body. No receiver of notifications takes more."""
FAULTS: Final = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""Raised by a template that is wrong, or that is wrong for this notification."""
_ENVIRONMENT: Final = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_ENVIRONMENT.policies["json.dumps_kwargs"] = {"sort_keys": True, "ensure_ascii": False}


def body(settings: TemplateSettings, notification: Notification, notify: NotifySettings) -> bytes:
    """The body of a request; empty where the template gives nothing but spaces, by which it leaves an occasion out.

    Raises UsageError, with the line, when the template cannot be read or used, or gives no JSON where it should.
    """
    source, where = _source(settings), f"the template {settings.file}"
    try:
        text = _rendered(source, variables(notification, notify), where)
    except FAULTS as error:
        line = getattr(error, "lineno", None)
        at = f", line {line}" if line else ""
        raise UsageError(f"{where}{at}: {escape(str(error) or type(error).__name__, 300)}") from None
    if not text.strip():
        return b""
    if settings.content_type.partition(";")[0].endswith("json"):
        try:
            orjson.loads(text.encode("utf-8", "replace"))
        except ValueError as error:
            raise UsageError(
                f"{where} does not give JSON ({escape(str(error), 100)}); write {{{{ name | tojson }}}} without quotes "
                "around it"
            ) from None
    return text.encode("utf-8", "replace")


def variables(notification: Notification, notify: NotifySettings) -> dict[str, Any]:
    """The names that a template may use."""
    incident = notification.incident
    at = max([incident.detected_at, *(entry.at for entry in incident.timeline)])
    plain: Any = msgspec.json.decode(
        encode(
            {
                "incident": incident,
                "news": notification.news,
                "changes": notification.changes,
                "actions": notification.actions,
            }
        )
    )
    given: dict[str, Any] = {
        "occasion": notification.occasion,
        "headline": first_line(incident),
        "lead": lead(notification, at),
        "status": status(incident),
        "parts": [
            {"heading": part.heading, "lines": [{"text": line.text, "code": line.code} for line in part.lines]}
            for part in parts(notification, notify)
        ],
        "withdrawn": list(notification.withdrawn),
        "key": notification.keys[-1],
        "earlier_keys": list(notification.keys[:-1]),
        "console": incident_url(incident, notify) or "",
        "runbooks": [url for rule in incident.rules if (url := runbook_url(rule, notify)) is not None],
    }
    given.update(plain)
    return given


def _source(settings: TemplateSettings) -> str:
    assert settings.file is not None
    try:
        found = Path(settings.file).read_bytes()
        if len(found) > MAX_TEMPLATE_BYTES:
            raise UsageError(f"the template {settings.file} has more than {MAX_TEMPLATE_BYTES} bytes")
        return found.decode("utf-8-sig")  # some editors write a mark at the beginning
    except UnicodeDecodeError:
        raise UsageError(f"the template {settings.file} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot read the template {settings.file}: {why}") from None


def _rendered(source: str, given: dict[str, Any], where: str) -> str:
    text = ""
    for piece in _ENVIRONMENT.from_string(source).generate(given):
        text += piece
        if len(text) > MAX_CHARACTERS:
            raise UsageError(f"{where} gives more than {MAX_CHARACTERS} characters")
    return text
