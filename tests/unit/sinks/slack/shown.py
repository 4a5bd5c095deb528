"""The text of a message, block by block."""

from typing import Any

from leadline_sinks.slack.blocks import Message


def texts(message: Message) -> list[str]:
    """The texts of all blocks."""
    found = []
    for block in message.blocks:
        parts: list[Any] = [*([block["text"]] if "text" in block else []), *block.get("fields", [])]
        found += [part["text"] for part in [*parts, *block.get("elements", [])]]
    return found


def shown(message: Message) -> str:
    """A form of the message that is easy to compare."""
    lines = [f"text: {message.text}"]
    for block in message.blocks:
        lines += ["", f"[{block['type']}]", *texts(Message("", (block,)))]
    return "\n".join(lines) + "\n"
