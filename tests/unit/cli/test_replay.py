"""`leadline replay` and signatures."""

from pathlib import Path

import pytest

from leadline.recording import Recorded, line
from leadline.settings.secret import Secret
from leadline.signature import Signer
from leadline.wire import outgoing
from tests.fixtures.commands import Run
from tests.unit.streams.explain.recorded import Behind, Film, streams
from tests.unit.streams.world import World

SECRET = "correct-horse-battery-staple"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A signed sample of one cluster, one of another that somebody forged, and one without a signature."""
    honest, forger = Signer(Secret(SECRET)), Signer(Secret("a guess"))
    path, lines = tmp_path / "samples.jsonl", list[bytes]()
    for offset, (name, signer) in enumerate((("orders", honest), ("billing", forger), ("stock", None))):
        record = outgoing(World(name).add("pg-1", "primary").sample(0.0), "leadline.")
        record = signer.sign(record) if signer else record
        lines.append(line(Recorded(record.topic, 0, offset, 0, record.key, list(record.headers), record.value)))
    path.write_bytes(b"".join(lines))
    return path


def test_what_nobody_signed_is_left_out_where_the_secret_is_given(run: Run, recording: Path, tmp_path: Path) -> None:
    """As the processor does, and it says how many."""
    rules = tmp_path / "stream.yaml"
    rules.write_text(f"kafka:\n  signing_secret: {SECRET}\n")
    rules.chmod(0o600)
    printed = run("replay", str(recording), "--rules", str(rules)).err
    assert "3 records, 2 of them unusable (2 not signed with the key of their cluster); fired: nothing" in printed
    assert "were not checked" not in printed


def test_it_says_that_signatures_were_not_checked(run: Run, recording: Path, tmp_path: Path) -> None:
    """Without the secret all are judged; records without any signature need no remark."""
    printed = run("replay", str(recording)).err
    assert "3 records; fired: nothing" in printed
    assert "2 records are signed; their signatures were not checked: set kafka.signing_secret" in printed
    unsigned = tmp_path / "unsigned.jsonl"
    unsigned.write_bytes(recording.read_bytes().splitlines(keepends=True)[2])
    assert "checked" not in run("replay", str(unsigned)).err


def test_firings_under_two_settings_are_compared_worst_first(run: Run, tmp_path: Path) -> None:
    """In text and as JSON; the summary counts both."""
    file = Film().run(20, streams).run(60, Behind()).write(tmp_path / "samples.jsonl")
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("rules: {replication_stalled: {for_s: 10}}\n")
    second.write_text("rules: {replication_stalled: {for_s: 30}}\n")
    result = run("replay", file, "--rules", first, "--diff", second, "--firings")
    assert result.code == 0
    assert result.out.startswith("later    by 20 s")
    assert "firings are alike" in result.err
    printed = run("replay", file, "--rules", first, "--diff", second, "--firings", "--format", "json").out
    assert '"kind":"later"' in printed


def test_firings_need_a_second_settings_file(run: Run, recording: Path) -> None:
    """One line says so."""
    result = run("replay", recording, "--firings")
    assert (result.code, result.err) == (
        2,
        "leadline: --firings compares two settings files; give --diff FILE, too\n",
    )
