"""Whatever a file says, it loads or is refused with reasons; nothing else happens."""

import contextlib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import UsageError
from leadline.settings.declare import groups, settings_of
from leadline.settings.environment import variable
from leadline.settings.load import load
from leadline.settings.processes import PROCESSES

KEYS = sorted(
    {key for cls in PROCESSES.values() for inner in groups(cls) for s in settings_of(inner) for key in s.keys}
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["a:1", "host=h", "SSL"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=6),
    max_leaves=12,
)
GROUPS = st.sampled_from(list(PROCESSES.values()))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "any.yaml"


@pytest.mark.slow
@given(group=GROUPS, data=st.dictionaries(st.sampled_from(KEYS) | st.text(), VALUES, max_size=8))
def test_any_data(path: Path, group: type, data: object) -> None:
    """Any YAML, well-formed, with the names of settings in any place."""
    path.write_text(yaml.safe_dump(data))
    with contextlib.suppress(UsageError):
        load(group, path, {})


@given(group=GROUPS, text=st.text(alphabet="abc:-[]{}&*!|>'\"%@#?,\n \t<0", max_size=40))
def test_any_text(path: Path, group: type, text: str) -> None:
    """Any text, YAML or not."""
    path.write_text(text)
    with contextlib.suppress(UsageError):
        load(group, path, {})


NAMES = [variable((key,)) for key in KEYS] + [
    *(variable(("instances", index, key)) for index in (0, 1, 999) for key in KEYS),
    *(variable((map_, "x_y", key)) for map_ in ("rules", "kafka", "overrides") for key in KEYS),
]


@given(group=GROUPS, environ=st.dictionaries(st.sampled_from(NAMES), st.text(), max_size=6))
def test_any_environment(group: type, environ: dict[str, str]) -> None:
    """Any variables."""
    with contextlib.suppress(UsageError):
        load(group, None, environ)
