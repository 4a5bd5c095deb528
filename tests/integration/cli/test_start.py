"""The modules that a process loads when it starts."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("role", ["agent", "stream"])
def test_a_role_starts_with_its_own(role: str) -> None:
    """A process on a database host loads neither the table printer, nor Faust, nor the sinks' HTTP client."""
    code = (
        "import sys; from leadline_cli import main; main([sys.argv[1], '--help']); "
        "print(sorted({'rich', 'faust', 'httpx', 'confluent_kafka', 'psycopg', 'aiokafka'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, role], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
