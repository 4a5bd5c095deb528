"""Templates, and the parts of a page that are sent when they change.

Everything that is inserted is escaped. Names come from databases and may hold any character: ``name`` isolates their
direction, so that a name that is written from right to left does not turn the text around it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from leadline import __version__
from leadline.clock import moment
from leadline.lines import PROBLEMS
from leadline.logs import escape as escaped
from leadline.words import amount, duration, roughly, size
from leadline_console.lag_history import MOST_ROLLUPS

TEMPLATES: Final = Path(__file__).parent / "templates"
BANNER: Final = "live_banner"
"""The part of every page that reports an old feed."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page, and the hash of each of its parts."""

    html: str
    event_id: str


def to(path: str, **params: object) -> str:
    """The address of a page with its parameters; empty ones are left out."""
    given = {name: str(value) for name, value in params.items() if value not in (None, "", 0)}
    return path + (f"?{urlencode(given, errors='replace')}" if given else "")


def name(text: str) -> Markup:
    """A name from outside, isolated from the direction of the text around it."""
    return Markup("<bdi>{}</bdi>").format(text)


def visible(text: str, most: int = 2000) -> Markup:
    """Text from outside, isolated as a name is, with what is invisible or turns the direction of reading written out.

    Line breaks are kept. Beyond ``most`` characters it is cut.
    """
    lines = cut(text, most).replace("\r\n", "\n").split("\n")
    return Markup('<bdi class="visible">{}</bdi>').format("\n".join(escaped(line, most) for line in lines))


def coded(text: str) -> Markup:
    """Text of ours, in which backticks mark code."""
    parts = text.split("`")
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if index % 2 else part for index, part in enumerate(parts))


def time(moment: datetime | None, form: str = "time") -> Markup:
    """A moment, in UTC until the script turns it into the reader's zone, with the tooltip in UTC.

    ``form``: ``time`` the time of day, ``date`` with the day.
    """
    if moment is None:
        return Markup("–")
    utc = moment.astimezone(UTC)
    shown = utc.strftime("%H:%M:%S" if form == "time" else "%Y-%m-%d %H:%M:%S")
    of_day = " data-form=time" if form == "time" else ""
    return Markup('<time datetime="{:%Y-%m-%dT%H:%M:%SZ}"{}>{} UTC</time>').format(utc, of_day, shown)


def verdict(code: str) -> str:
    """A verdict in words, those of a problem as in the terminal."""
    return PROBLEMS.get(code, code.replace("_", " ")).lower()


def cut(text: str, most: int) -> str:
    """At most so many characters, with an ellipsis in place of the rest."""
    return text if len(text) <= most else text[: most - 1] + "…"


def plot_files() -> Markup:
    """The vendored library of plots, for pages that have some."""
    return Markup('<link rel="stylesheet" href="/static/uplot.css"><script src="/static/uplot.js" defer></script>')


def last_known(lags: Sequence[float | None]) -> float | None:
    """The newest lag that is known."""
    return next((each for each in reversed(lags) if each is not None), None)


def largest_known(lags: Sequence[float | None]) -> float | None:
    """The largest lag that is known."""
    return max((each for each in lags if each is not None), default=None)


@cache
def environment() -> Environment:
    """The templates with what they may use."""
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                       lstrip_blocks=True)  # fmt: skip
    made.globals |= {"to": to, "name": name, "time": time, "version": __version__, "plot_files": plot_files}
    made.globals["most_rollups"] = MOST_ROLLUPS
    made.filters |= {
        "duration": duration, "size": size, "amount": amount, "roughly": roughly, "verdict": verdict, "cut": cut,
        "visible": visible, "coded": coded, "last_known": last_known, "largest_known": largest_known, "moment": moment,
    }  # fmt: skip
    for module, file in (
        ("parts", "parts.html"),
        ("causes", "cause.html"),
        ("lists", "lists.html"),
        ("explained", "explained.html"),
    ):
        made.globals[module] = made.get_template(file).module
    return made


def page(template: str, values: Mapping[str, Any]) -> Rendered:
    """The whole page; its first event id says which parts it has."""
    made = environment().get_template(template)
    found = _parts(made, values)
    ident = event_id(found)
    context = made.new_context({**values, "event_id": ident})
    for name, html in found.items():  # in front of the templates' own: no part is made twice
        context.blocks.setdefault(name, []).insert(0, lambda _, html=html: iter((html,)))  # type: ignore[misc]
    return Rendered("".join(made.root_render_func(context)), ident)


def parts(template: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The HTML of each part by its identity, the banner among them."""
    return _parts(environment().get_template(template), values)


def event_id(found: Mapping[str, str]) -> str:
    """A hash of each part, by which a browser that comes back is sent only what is new."""
    return ",".join(f"{ident}:{_hash(html)}" for ident, html in found.items())


def changed(found: Mapping[str, str], known: str) -> dict[str, str]:
    """The parts that a browser with this event id does not have."""
    has = set(known.split(","))
    return {ident: html for ident, html in found.items() if f"{ident}:{_hash(html)}" not in has}


def _parts(made: Template, values: Mapping[str, Any]) -> dict[str, str]:
    base = environment().get_template("base.html")
    wanted = {BANNER: base.blocks[BANNER]} | {
        ident: block for ident, block in made.blocks.items() if ident.startswith("live_")
    }
    # A block that is made alone sees none of what its template sets outside of blocks.
    return {ident: "".join(block(made.new_context(dict(values)))) for ident, block in wanted.items()}


def _hash(html: str) -> str:
    return blake2b(html.encode("utf-8", "replace"), digest_size=6).hexdigest()
