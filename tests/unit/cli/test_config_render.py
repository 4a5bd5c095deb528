"""`leadline config` for templates: what they give, and mistakes before an incident has them."""

import json
from pathlib import Path

from tests.fixtures.commands import Run

EXAMPLE = Path(__file__).parents[3] / "deploy/examples/chat.json.j2"


def settings(folder: Path, template: Path) -> Path:
    """Settings of a sink with one target, `chat`."""
    path = folder / "sink.yaml"
    target = {"template": {"url": "https://chat.example.org/hook", "file": str(template)}}
    path.write_text(json.dumps({"targets": {"chat": target}}))
    return path


def test_what_a_template_gives(run: Run, tmp_path: Path) -> None:
    """A body for each sample; nothing is sent."""
    config = settings(tmp_path, EXAMPLE)
    found = [json.loads(line) for line in run("config", "render", "-c", config, "--format", "json").out.splitlines()]
    assert {each["target"] for each in found} == {"chat"}
    assert all(json.loads(each["body"])["username"] == "Leadline" for each in found)
    assert run("config", "check", "-c", config).code == 0
    assert "chat, resolved:\n{" in run("config", "render", "chat", "-c", config).out
    other = run("config", "render", "slack", "-c", config)
    assert (other.code, "no target with a template; there are: chat" in other.err) == (2, True)


def test_a_template_that_breaks(run: Run, tmp_path: Path) -> None:
    """The check says where, and what to write."""
    template = tmp_path / "chat.j2"
    template.write_text('{"text": "{{ headline }}"}')
    checked = run("config", "check", "-c", settings(tmp_path, template))
    assert checked.code == 2
    assert "chat, tried on an incident with texts that need care" in checked.err
    assert "| tojson" in checked.err
